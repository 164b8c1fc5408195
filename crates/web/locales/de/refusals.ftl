# What the rules say in English when they refuse something.
refused-invalid-field-name = Geben Sie einen Namen mit 1 bis 100 Zeichen an, ohne Steuerzeichen.
refused-invalid-field-description = Eine Beschreibung hat höchstens 500 Zeichen.
refused-invalid-field-expires = Das Ende muss in der Zukunft liegen.
refused-not-allowed-by-policy-expires = Die Richtlinie des Kontos lässt dieses Ende nicht zu.
refused-invalid-field-permission = Diese Rechte gibt es in diesem Konto nicht.
refused-forbidden-permission = Ein Token darf nicht mehr, als Sie und sein Besitzer dürfen.
refused-name-taken = Ein anderes Token dieses Kontos heißt schon so.
refused-limit-reached = Es sind so viele Tokens da, wie es sein dürfen. Löschen oder widerrufen Sie eines, das niemand mehr braucht.
refused-wrong-state = Das geht mit diesem Token, wie es jetzt ist, nicht.
refused-forbidden = Das dürfen Sie hier nicht.
refused-not-allowed-by-policy = Die Richtlinie des Kontos lässt das nicht zu.
refused-invalid-field = Dieser Wert ist nicht zu gebrauchen.
refused-invalid-field-new_password = Ein Passwort hat 12 bis 256 Zeichen.
refused-not-found = Hier ist nichts, was Sie sehen dürfen.
refused-rate-limited = Warten Sie einen Augenblick, und versuchen Sie es dann noch einmal.
refused-conflict = Laden Sie die Seite neu: Jemand hat es inzwischen geändert.
refused-undetermined = Der Server kann das im Augenblick nicht entscheiden. Versuchen Sie es bald noch einmal.
refused-internal-error = Das liegt nicht an Ihnen. Versuchen Sie es noch einmal; wer den Server betreibt, findet die Ursache in seinem Protokoll.

# The titles of pages that stand where another was asked for.
refused-title-forbidden = Das dürfen Sie nicht
refused-title-not-found = Das gibt es nicht
refused-title-bad-request = Diese Anfrage ist nicht zu lesen
refused-title-conflict = Es hat sich inzwischen geändert
refused-title-wrong-state = Das geht im jetzigen Zustand nicht
refused-title-not-allowed-by-policy = Die Richtlinie des Kontos lässt das nicht zu
refused-title-invalid-field = Ein Wert ist nicht zu gebrauchen
refused-title-rate-limited = Zu viele Anfragen
refused-title-undetermined = Im Augenblick nicht zu sagen
refused-title-internal-error = Der Server hat versagt
