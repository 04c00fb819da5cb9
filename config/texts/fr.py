"""French."""

from config.texts.phrase import Phrase

NUMBERS = (
    "Deux", "Trois", "Quatre", "Cinq", "Six", "Sept", "Huit", "Neuf", "Dix", "Onze", "Douze", "Treize",
    "Quatorze", "Quinze", "Seize", "Dix-sept", "Dix-huit", "Dix-neuf", "Vingt",
)  # fmt: skip

TEXTS = {
    Phrase.WELCOME: "Bienvenue. Saisissez votre code de réunion, puis dièse.",
    Phrase.ASK_ROOM_PIN: "Cette réunion est protégée par un code. Saisissez-le, puis dièse.",
    Phrase.WRONG_PIN: "Ce code n’est pas reconnu. Saisissez-le à nouveau, puis dièse.",
    Phrase.JOINING: "Vous entrez dans la réunion.",
    Phrase.ALONE: "Il n’y a personne d’autre pour le moment.",
    Phrase.ONE_OTHER: "Une autre personne est présente.",
    **{
        Phrase(f"others_{count}"): f"{word} autres personnes sont présentes."
        for count, word in enumerate(NUMBERS, 2)
    },
    Phrase.OTHERS_MANY: "Plus de vingt autres personnes sont présentes.",
    Phrase.MUTED_ON_ENTRY: "Votre micro est coupé. Pour parler, faites étoile six.",
    Phrase.WAITING_ROOM: "Merci de patienter. L’organisateur va vous faire entrer.",
    Phrase.MUTED: "Votre micro est coupé.",
    Phrase.UNMUTED: "Votre micro est ouvert.",
    Phrase.MUTED_BY_HOST: "L’organisateur a coupé votre micro. Pour parler, faites étoile six.",
    Phrase.HAND_RAISED: "Votre main est levée.",
    Phrase.HAND_LOWERED: "Votre main est baissée.",
    Phrase.HAND_LOWERED_BY_HOST: "L’organisateur a baissé votre main.",
    Phrase.HELP: (
        "Pour couper ou rouvrir votre micro, faites étoile six. "
        "Pour lever ou baisser la main, étoile neuf. "
        "Pour quitter la réunion, deux fois dièse. "
        "Pour réentendre ceci, étoile un."
    ),
    Phrase.GOODBYE: "Au revoir.",
    Phrase.GOODBYE_SILENT: "Aucun code n’a été saisi. Au revoir.",
    Phrase.TOO_MANY_TRIES: "Ce code n’est pas reconnu. Vérifiez votre invitation, puis rappelez. Au revoir.",
    Phrase.PIN_THROTTLED: (
        "Trop de codes erronés ont été saisis récemment. Veuillez utiliser le lien de votre invitation, "
        "ou rappeler plus tard. Au revoir."
    ),
    Phrase.ROOM_FULL: "Cette réunion est complète. Au revoir.",
    Phrase.ROOM_LOCKED: "Cette réunion est verrouillée. Au revoir.",
    Phrase.NOT_ADMITTED: "L’organisateur n’a pas accepté votre demande. Au revoir.",
    Phrase.REMOVED: "Votre participation à cette réunion a pris fin. Au revoir.",
    Phrase.MEETING_ENDED: "La réunion est terminée. Au revoir.",
    Phrase.ENDING: "Le service va s’arrêter. Veuillez rappeler dans quelques minutes. Au revoir.",
    Phrase.UNAVAILABLE: (
        "Le service est momentanément indisponible. Veuillez rappeler plus tard. Au revoir."
    ),
    Phrase.INTERNAL: "Une erreur s’est produite. Veuillez rappeler. Au revoir.",
}
