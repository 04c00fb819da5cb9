"""The phrases of the voice, by name; the value is the stem of the recording's file."""

from enum import StrEnum


class Phrase(StrEnum):
    """One thing the voice can say. There is a text and a recording of each in every language."""

    # At the reception
    WELCOME = "welcome"  # asks for the PIN
    ASK_ROOM_PIN = "ask_room_pin"  # the room is known, its PIN is not
    WRONG_PIN = "wrong_pin"  # and asks again
    # On the way in
    JOINING = "joining"  # the recorded name of the room follows, if there is one
    ALONE = "alone"  # also when the last of the others has left
    ONE_OTHER = "one_other"
    OTHERS_2 = "others_2"
    OTHERS_3 = "others_3"
    OTHERS_4 = "others_4"
    OTHERS_5 = "others_5"
    OTHERS_6 = "others_6"
    OTHERS_7 = "others_7"
    OTHERS_8 = "others_8"
    OTHERS_9 = "others_9"
    OTHERS_10 = "others_10"
    OTHERS_11 = "others_11"
    OTHERS_12 = "others_12"
    OTHERS_13 = "others_13"
    OTHERS_14 = "others_14"
    OTHERS_15 = "others_15"
    OTHERS_16 = "others_16"
    OTHERS_17 = "others_17"
    OTHERS_18 = "others_18"
    OTHERS_19 = "others_19"
    OTHERS_20 = "others_20"
    OTHERS_MANY = "others_many"  # more than twenty
    MUTED_ON_ENTRY = "muted_on_entry"
    WAITING_ROOM = "waiting_room"  # said again every now and then, with music between
    # In the meeting
    MUTED = "muted"
    UNMUTED = "unmuted"
    MUTED_BY_HOST = "muted_by_host"
    HAND_RAISED = "hand_raised"
    HAND_LOWERED = "hand_lowered"
    HAND_LOWERED_BY_HOST = "hand_lowered_by_host"
    HELP = "help"  # the keys
    # Before we hang up
    GOODBYE = "goodbye"
    GOODBYE_SILENT = "goodbye_silent"  # no PIN was typed
    TOO_MANY_TRIES = "too_many_tries"
    PIN_THROTTLED = "pin_throttled"
    ROOM_FULL = "room_full"
    ROOM_LOCKED = "room_locked"
    NOT_ADMITTED = "not_admitted"  # from the waiting room
    REMOVED = "removed"
    MEETING_ENDED = "meeting_ended"  # for all, those who wait included
    ENDING = "ending"  # the service is stopping
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"
