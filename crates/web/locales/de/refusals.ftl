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
