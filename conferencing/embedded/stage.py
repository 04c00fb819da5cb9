"""A browser's slots: who is on them, and in which layer.

Tiles are pairs of a voice and a picture slot that serve one participant; spare voice slots serve speakers who
are on no tile; share slots show screens, which nobody has to ask for. Whoever is shown keeps the slot while
shown: a page's video element, once it plays, should go on playing the same person.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from random import Random
from typing import Final, Protocol

from conferencing.embedded import answer, layers
from conferencing.embedded.codecs import OPUS
from conferencing.embedded.extensions import Extension
from conferencing.embedded.media import SlotMap, Source
from conferencing.embedded.offer import OfferedLine, Place
from conferencing.embedded.publication import Publication
from conferencing.embedded.slot import Outlet, Slot, VoiceSlot
from conferencing.embedded.video_slot import VideoSlot
from conferencing.embedded.voice import Voice

SCREEN_HEIGHT: Final = 1080  # pixels; a shared screen gets the best layer there is


class Cast(Protocol):
    """Who can be shown: the meeting's plane, as a stage sees it."""

    def publication(self, participant_id: str) -> Publication | None:
        """A participant's camera, when it has one."""

    @property
    def screens(self) -> Sequence[Publication]:
        """The screens that are shared."""


class Tile:
    """A pair of slots for one participant."""

    def __init__(self, voice: VoiceSlot | None, picture: VideoSlot | None) -> None:
        self.voice = voice
        self.picture = picture
        self.participant: str | None = None
        self.height = 0


class Stage:
    """The slots of one subscriber."""

    def __init__(self, participant_id: str, cast: Cast, link: Outlet, random: Random) -> None:
        self.wanted: Sequence[tuple[str, int]] = ()  # participants and heights, the most important first
        self.shows = False  # somebody's picture
        self.wanted_rate = 0.0  # bit/s on an endless link; 0 when all have what they want
        self.names: dict[str, answer.SlotNames] = {}  # by mid
        self.pictures: dict[int, VideoSlot] = {}  # by SSRC
        self.repairers: dict[int, VideoSlot] = {}  # by RTX SSRC
        self.tiles: list[Tile] = []
        self.voices: list[VoiceSlot] = []
        self.shares: list[VideoSlot] = []
        self._id = participant_id
        self._cast = cast
        self._link = link
        self._random = random
        self._screens: list[Publication | None] = []
        self._heard: dict[str, str] = {}  # mid of a spare voice slot -> participant
        self._told: dict[str, str | None] = {}
        self._changed = False  # there may be something to tell

    def slots(self) -> Iterator[Slot]:
        """All slots."""
        return chain(self.voice_slots(), self.pictures.values())

    def voice_slots(self) -> Iterator[VoiceSlot]:
        """Those of tiles, then the spare ones."""
        return chain((tile.voice for tile in self.tiles if tile.voice), self.voices)

    def add_line(self, line: OfferedLine) -> None:
        """Make the slot of a line that is taken for the first time; its SSRCs hold for the session."""
        if line.mid in self.names:
            return
        slot = self._voice_slot(line) if line.place.kind == "audio" else self._video_slot(line)
        if slot is None:
            return
        rtx_ssrc = slot.rtx_ssrc if isinstance(slot, VideoSlot) else 0
        stream = self._place(slot, line)
        self.names[line.mid] = answer.SlotNames(slot.ssrc, rtx_ssrc, stream)

    def _voice_slot(self, line: OfferedLine) -> VoiceSlot | None:
        if OPUS not in line.formats:
            return None
        level_id = answer.accepted_extensions(line).get(Extension.AUDIO_LEVEL, 0)
        return VoiceSlot(
            line.mid,
            self._number(32),
            line.formats[OPUS],
            level_id,
            self._number(15),
            self._number(32),
            self._link,
        )

    def _video_slot(self, line: OfferedLine) -> VideoSlot:
        extensions = answer.accepted_extensions(line)
        slot = VideoSlot(
            line.mid,
            self._number(32),
            self._number(32),
            {codec: (number, line.rtx.get(number)) for codec, number in line.formats.items()},
            (extensions.get(Extension.ABS_SEND_TIME, 0), extensions.get(Extension.DEPENDENCY, 0)),
            self._number(15),
            self._number(32),
            self._link,
        )
        self.pictures[slot.ssrc] = slot
        self.repairers[slot.rtx_ssrc] = slot
        return slot

    def _number(self, bits: int) -> int:
        """A random SSRC, timestamp or first sequence number (below 2**15: RFC 3711 section 3.3.1)."""
        return self._random.randrange(1, 1 << bits)

    def _place(self, slot: VoiceSlot | VideoSlot, line: OfferedLine) -> str:
        """Put a new slot where it belongs; returns the name of its msid."""
        name = f"slot-{line.mid}"
        if isinstance(slot, VoiceSlot):
            if line.place is Place.TILE_VOICE:
                self.tiles.append(Tile(slot, None))
            else:
                self.voices.append(slot)
        elif line.place is Place.SHARE:
            self.shares.append(slot)
        elif self.tiles and self.tiles[-1].picture is None and self.tiles[-1].voice is not None:
            self.tiles[-1].picture = slot
            return self.names[self.tiles[-1].voice.mid].stream  # one msid: lip sync
        else:
            self.tiles.append(Tile(None, slot))
        return name

    def assign(self) -> bool:
        """Give those who are wanted their slots; who had one keeps it. True when a tile has changed hands."""
        wanted = [
            (participant, height)
            for participant, height in self.wanted
            if participant != self._id and self._cast.publication(participant) is not None
        ]
        shown = dict(wanted[: len(self.tiles)])
        before, screens = [tile.participant for tile in self.tiles], self._screens
        free = []
        for tile in self.tiles:
            if tile.participant in shown:
                tile.height = shown.pop(tile.participant)
            else:
                tile.participant = None
                free.append(tile)
        for tile, (participant, height) in zip(free, shown.items(), strict=False):
            tile.participant, tile.height = participant, height
        self._assign_screens()
        after = [tile.participant for tile in self.tiles]
        self._changed |= after != before or self._screens != screens
        self.shows = any(after) or any(self._screens)
        return after != before

    def _assign_screens(self) -> None:
        screens = [screen for screen in self._cast.screens if screen.participant_id != self._id]
        chosen = screens[: len(self.shares)]
        kept = [screen if screen in chosen else None for screen in self._screens]
        kept += [None] * (len(self.shares) - len(kept))
        new = (screen for screen in chosen if screen not in kept)
        self._screens = [screen or next(new, None) for screen in kept]

    def choose_layers(self, budget: float, now: float, *, overloaded: bool = False) -> None:
        """Spread ``budget`` (bit/s) over the pictures.

        When the link is ``overloaded``, a layer that is too much for it ends at once, and not only when the
        lower one has its key frame.
        """
        shown = self._shown()
        live = [
            [layer for layer in picture.layers(now) if layer.codec is None or slot.can_send(layer.codec)]
            for slot, picture, _ in shown
        ]
        wishes = [
            layers.Wish(
                [layers.Layer(layer.height, layer.rate) for layer in choice],
                height,
                next((index for index, layer in enumerate(choice) if layer is slot.target), None),
            )
            for (slot, _, height), choice in zip(shown, live, strict=True)
        ]
        chosen = layers.choose(wishes, budget)
        satisfied = all(map(layers.is_satisfied, wishes, chosen))
        self.wanted_rate = 0.0 if satisfied else layers.wanted_rate(wishes)
        for (slot, picture, _), choice, layer in zip(shown, live, chosen, strict=True):
            if layer >= 0:
                present = slot.current
                if overloaded and present is not None and present.rate > max(budget, choice[layer].rate):
                    slot.assign(choice[layer], now)
                    slot.give_up_past()
                else:
                    slot.assign(choice[layer], now, keep=present in picture.streams)
            elif choice or slot.target not in picture.streams:
                slot.assign(None, now)
        busy = {slot.ssrc for slot, _, _ in shown}
        for slot in self.pictures.values():
            if slot.target is not None and slot.ssrc not in busy:
                slot.assign(None, now)

    def _shown(self) -> list[tuple[VideoSlot, Publication, int]]:
        """The picture slots that show somebody, the most important first."""
        shown = [
            (slot, screen, SCREEN_HEIGHT)
            for slot, screen in zip(self.shares, self._screens, strict=False)
            if screen is not None
        ]
        taken = (tile for tile in self.tiles if tile.participant)
        for tile in sorted(taken, key=lambda tile: -tile.height):
            publication = self._cast.publication(tile.participant) if tile.participant else None
            if tile.picture and publication:
                shown.append((tile.picture, publication, tile.height))
        return shown

    def place_voices(self, speakers: Sequence[Voice]) -> list[tuple[Voice, VoiceSlot]]:
        """Put the loudest on their tiles' slots, or on spare ones; who had a spare one keeps it."""
        by_tile = {tile.participant: tile.voice for tile in self.tiles if tile.voice and tile.participant}
        placed: dict[VoiceSlot, Voice] = {}
        homeless = {}
        for voice in speakers:
            slot = by_tile.get(voice.participant_id)
            if slot:
                placed[slot] = voice
            elif voice.participant_id != self._id:
                homeless[voice.stream] = voice
        free = []
        for slot in self.voices:
            if slot.source in homeless:
                placed[slot] = homeless.pop(slot.source)
            else:
                free.append(slot)
        placed.update(zip(free, homeless.values(), strict=False))
        for slot in self.voice_slots():
            slot.follow(placed[slot].stream if slot in placed else None)
        self._heard = {slot.mid: voice.participant_id for slot, voice in placed.items()}
        self._changed = True
        return [(voice, slot) for slot, voice in placed.items()]

    def changes(self) -> list[SlotMap]:
        """The lines that carry something else than at the last call."""
        if not self._changed:
            return []
        self._changed = False
        changed = []
        for mid, participant, source in self._carried():
            if self._told.get(mid) != participant:
                self._told[mid] = participant
                changed.append(SlotMap(mid, participant, source))
        return changed

    def _carried(self) -> Iterator[tuple[str, str | None, Source]]:
        """What each line carries, and whose it is."""
        for tile in self.tiles:
            if tile.voice:
                yield tile.voice.mid, tile.participant, Source.MICROPHONE
            if tile.picture:
                yield tile.picture.mid, tile.participant, Source.CAMERA
        for voice in self.voices:
            yield voice.mid, self._heard.get(voice.mid), Source.MICROPHONE
        for share, screen in zip(self.shares, self._screens, strict=False):
            yield share.mid, screen.participant_id if screen else None, Source.SCREEN

    def probe(self, now: float) -> int:
        """Send something a second time; returns the octets it took, 0 when nothing is being sent."""
        return next(filter(None, (slot.probe(now) for slot in self.pictures.values())), 0)

    def clear(self, now: float) -> None:
        """Let go of all streams."""
        for slot in self.pictures.values():
            slot.assign(None, now)
        for voice in self.voice_slots():
            voice.follow(None)

    def close(self, now: float) -> None:
        """Let go of all slots, too."""
        self.clear(now)
        for slots in (self.pictures, self.repairers, self.tiles, self.voices, self.shares, self._screens):
            slots.clear()
