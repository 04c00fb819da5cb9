"""English."""

from config.texts.phrase import Phrase

NUMBERS = (
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip

TEXTS = {
    Phrase.WELCOME: "Welcome. Please enter your meeting code, followed by the hash key.",
    Phrase.ASK_ROOM_PIN: "This meeting is protected by a code. Please enter it, followed by the hash key.",
    Phrase.WRONG_PIN: "That code was not recognised. Please enter it again, followed by the hash key.",
    Phrase.JOINING: "You are joining the meeting.",
    Phrase.ALONE: "There is nobody else here at the moment.",
    Phrase.ONE_OTHER: "There is one other person here.",
    **{
        Phrase(f"others_{count}"): f"There are {word} other people here."
        for count, word in enumerate(NUMBERS, 2)
    },
    Phrase.OTHERS_MANY: "There are more than twenty other people here.",
    Phrase.MUTED_ON_ENTRY: "Your microphone is off. To speak, press star six.",
    Phrase.WAITING_ROOM: "Please wait. A host will let you in.",
    Phrase.MUTED: "Your microphone is off.",
    Phrase.UNMUTED: "Your microphone is on.",
    Phrase.MUTED_BY_HOST: "The host has turned your microphone off. To speak, press star six.",
    Phrase.HAND_RAISED: "Your hand is raised.",
    Phrase.HAND_LOWERED: "Your hand is lowered.",
    Phrase.HAND_LOWERED_BY_HOST: "The host has lowered your hand.",
    Phrase.HELP: (
        "To turn your microphone on or off, press star six. "
        "To raise or lower your hand, star nine. "
        "To leave the meeting, hash twice. "
        "To hear this again, star one."
    ),
    Phrase.GOODBYE: "Goodbye.",
    Phrase.GOODBYE_SILENT: "No code was entered. Goodbye.",
    Phrase.TOO_MANY_TRIES: (
        "That code was not recognised. Please check your invitation and call again. Goodbye."
    ),
    Phrase.PIN_THROTTLED: (
        "Too many wrong codes have been entered lately. "
        "Please join by the link in your invitation, or call again later. Goodbye."
    ),
    Phrase.ROOM_FULL: "This meeting is full. Goodbye.",
    Phrase.ROOM_LOCKED: "This meeting is locked. Goodbye.",
    Phrase.NOT_ADMITTED: "The host has not let you in. Goodbye.",
    Phrase.REMOVED: "Your part in this meeting has ended. Goodbye.",
    Phrase.MEETING_ENDED: "The meeting has ended. Goodbye.",
    Phrase.ENDING: "The service is about to stop. Please call again in a few minutes. Goodbye.",
    Phrase.UNAVAILABLE: "The service is unavailable at the moment. Please call again later. Goodbye.",
    Phrase.INTERNAL: "Something went wrong. Please call again. Goodbye.",
}
