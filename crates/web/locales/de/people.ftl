# Members, service accounts and roles.

# Whom the pages are about
members-title = Mitglieder
members-purpose = Wer in diesem Konto arbeitet, und was jeder darf.
members-add = Mitglied hinzufügen
members-add-sentence = Wer eine E-Mail-Adresse und ein Passwort hat, kann sich anmelden. Wer keine Adresse hat, wird an der Kennung erkannt, die Ihr Produkt vergibt.
members-none = Keine Mitglieder
members-teach = Mitglieder haben Tokens und melden sich hier an.
service-accounts-title = Dienstkonten
service-accounts-purpose = Programme mit eigenen Tokens, damit keines an einer Person hängt.
service-accounts-add = Dienstkonto hinzufügen
service-accounts-add-sentence = Es hat Tokens, und niemand meldet sich damit an.
service-accounts-none = Noch keine Dienstkonten
service-accounts-teach = Legen Sie eines für jedes Programm an, das Tokens braucht. Sie arbeiten weiter, wenn geht, wer sie angelegt hat.

column-role = Rolle
column-standing = Status
column-joined = Hinzugefügt
roles-more = und { $count } weitere
standing-active = aktiv
standing-inactive = deaktiviert
inactive-since = Seit { $when }
this-is-you = Das sind Sie
change-role = Rolle ändern
edit = Bearbeiten
deactivate = Deaktivieren
reactivate = Reaktivieren
remove = Entfernen

# Adding
email-hint = Mit einer Adresse kann sich jemand anmelden, sobald ein Passwort da ist.
first-password = Erstes Passwort
first-password-hint = Mindestens 12 Zeichen. Übergeben Sie es persönlich und lassen Sie es ändern.
where = Wo
whole-account = Das ganze Konto
path-hint = Ein Pfad wie /sales, oder / für das ganze Konto.
external-id = Kennung in Ihrem Produkt
external-id-hint = Wie Ihr Produkt es nennt. Daran erkennt es das Produkt und gibt ihm Rollen.
wrong-place = Diesen Ort gibt es nicht; ein Pfad lautet /sales oder /sales/prod.
wrong-role = Wählen Sie eine Rolle.

# One of them
no-sign-in = Nicht hier: Es ist keine E-Mail-Adresse bekannt, also führt nur Ihr Produkt hierher. Eine Einladung an die Adresse ändert das.
no-sign-in-yet = Noch nicht: Dazu muss die Einladung geöffnet und ein Passwort gewählt werden.
roles-title = Rollen
roles-sentence = Eine Rolle gilt an ihrem Ort und überall darunter.
tokens-working = { $count ->
    [0] Keines gilt
    [one] 1 gilt
   *[other] { $count } gelten
  }
tokens-suspended = { $count } ausgesetzt
tokens-pending = { $count } warten auf Freigabe
see-tokens = Die Tokens ansehen

# Changing roles
roles-of = Rollen von { $name }
role-sentence = Tokens, die ihrem Besitzer folgen, dürfen, was die Rolle erlaubt, sobald Sie speichern.
role-everywhere = Im ganzen Konto
roles-below = An Orten des Baums
roles-below-hint = Eine Zeile ohne Rolle zählt nicht.
no-role = Keine Rolle
role-row = Rolle { $count }
place-row = Ort { $count }
wrong-row = Wählen Sie zu jeder Rolle einen Ort.
wrong-no-role = Lassen Sie mindestens eine Rolle stehen. Um alles zu nehmen, deaktivieren oder entfernen Sie das Mitglied oder Dienstkonto.
holders-conflict = Jemand anders hat dies inzwischen geändert. Öffnen Sie es neu, um zu sehen, wie es jetzt ist.
holders-closed = Das geht nicht, wie es jetzt ist, oder Sie dürfen es nicht.

# What is done in one step
members-deactivate-title = { $name } deaktivieren?
members-deactivate-button = Dieses Mitglied deaktivieren
members-reactivate-title = { $name } reaktivieren?
members-reactivate-button = Dieses Mitglied reaktivieren
members-remove-title = { $name } entfernen?
members-remove-button = Dieses Mitglied entfernen
members-remove-for-good = Das Mitglied verlässt dieses Konto endgültig. Im Journal und an den Tokens bleibt der Name stehen.
service-accounts-deactivate-title = { $name } deaktivieren?
service-accounts-deactivate-button = Dieses Dienstkonto deaktivieren
service-accounts-reactivate-title = { $name } reaktivieren?
service-accounts-reactivate-button = Dieses Dienstkonto reaktivieren
service-accounts-remove-title = { $name } entfernen?
service-accounts-remove-button = Dieses Dienstkonto entfernen
service-accounts-remove-for-good = Es geht endgültig. Im Journal und an den Tokens bleibt der Name stehen.
act-on-yourself = Das sind Sie. Sie werden abgemeldet und können es nicht selbst rückgängig machen.
deactivate-stops = { $count ->
    [0] Gerade gilt kein Token, also stoppt auch keines.
    [one] 1 Token stoppt sofort.
   *[other] { $count } Tokens stoppen sofort.
  }
deactivate-stops-uncounted = Alle Tokens stoppen sofort.
deactivate-keeps = { $count ->
    [0] Gerade gilt kein Token.
    [one] 1 Token gilt weiter: So will es die Richtlinie des Kontos.
   *[other] { $count } Tokens gelten weiter: So will es die Richtlinie des Kontos.
  }
deactivate-keeps-uncounted = Die Tokens gelten weiter: So will es die Richtlinie des Kontos.
deactivate-sessions = Das Mitglied wird überall abgemeldet.
deactivate-restores = Mit dem Reaktivieren gelten die Tokens wieder.
deactivate-approves = Nach dem Reaktivieren muss jedes Token erst freigegeben werden.
reactivate-keeps = Die Tokens waren nie gestoppt: So will es die Richtlinie des Kontos.
reactivate-sessions = Das Mitglied kann sich wieder anmelden.
reactivate-restores = { $count ->
    [0] Es ruhte kein Token.
    [one] 1 Token gilt sofort wieder.
   *[other] { $count } Tokens gelten sofort wieder.
  }
reactivate-restores-uncounted = Die Tokens gelten sofort wieder.
reactivate-approves = { $count ->
    [0] Es ruhte kein Token.
    [one] 1 Token wartet, bis es freigegeben wird.
   *[other] { $count } Tokens warten, bis jedes freigegeben wird.
  }
reactivate-approves-uncounted = Die Tokens warten, bis jedes freigegeben wird.
remove-deletes = { $count ->
    [0] Kein Token geht verloren.
    [one] 1 Token wird gelöscht, und zwar sofort.
   *[other] { $count } Tokens werden gelöscht, und zwar sofort.
  }
remove-deletes-uncounted = Alle Tokens werden gelöscht, und zwar sofort.
remove-keeps = { $count ->
    [0] Gerade gilt kein Token.
    [one] 1 Token gilt weiter: So will es die Richtlinie des Kontos.
   *[other] { $count } Tokens gelten weiter: So will es die Richtlinie des Kontos.
  }
remove-keeps-uncounted = Die Tokens gelten weiter: So will es die Richtlinie des Kontos.
remove-none = Kein gültiges Token steht dem im Weg.
remove-refused = { $count ->
    [one] 1 Token gilt noch, und die Richtlinie des Kontos lässt niemanden entfernen, der eines hat. Löschen Sie es zuerst.
   *[other] { $count } Tokens gelten noch, und die Richtlinie des Kontos lässt niemanden entfernen, der welche hat. Löschen Sie sie zuerst.
  }

done-members-added = Das Mitglied ist da.
done-members-edited = Das Mitglied ist geändert.
done-members-roles-changed = Die Rollen sind geändert.
done-members-deactivated = Das Mitglied ist deaktiviert.
done-members-reactivated = Das Mitglied ist wieder aktiv.
done-members-removed = Das Mitglied ist entfernt.
done-service-accounts-added = Das Dienstkonto ist da.
done-service-accounts-edited = Das Dienstkonto ist geändert.
done-service-accounts-roles-changed = Die Rollen sind geändert.
done-service-accounts-deactivated = Das Dienstkonto ist deaktiviert.
done-service-accounts-reactivated = Das Dienstkonto ist wieder aktiv.
done-service-accounts-removed = Das Dienstkonto ist entfernt.

# Roles
role-list-title = Rollen
role-list-purpose = Eine Rolle ist eine Menge von Rechten mit einem Namen. Mitglieder und Tokens, die sie haben, folgen jeder Änderung sofort.
add-role = Rolle hinzufügen
column-role-may = Darf
column-held-by = Wer sie hat
strongest = Stärkste
role-all = Alles
all-actions = alles
role-nothing = Nichts
role-desk-only = In der Konsole: { $desk }
held-by = { $count ->
    [0] Niemand
    [one] 1 Mitglied oder Dienstkonto
   *[other] { $count } Mitglieder und Dienstkonten
  }
held-by-short = { $count ->
    [0] Niemand
   *[other] { $count }
  }
role-new-sentence = Sie beginnt als die schwächste. Niemand hat sie, bevor Sie sie jemandem geben.
role-name-hint = So nennen sie Mitglieder und Tokens.
permissions = Rechte
product-permissions = Im Produkt
desk-permissions = In der Konsole und ihrer API
desk-permissions-hint = Wer Tokens, Mitglieder, Rollen und alles andere in diesem Konto sieht und ändert.
not-yours = Dieses Recht können Sie nicht geben.
allowed = erlaubt
not-allowed = nicht erlaubt
role-locked-strongest = Die stärkste Rolle behält alle ihre Rechte, damit immer jemand alles in Ordnung bringen kann.
role-read-only = Sie können diese Rolle ansehen. Wer sie ändert, muss alles dürfen, was sie erlaubt.
role-review = Vor dem Speichern ansehen
role-review-title = Wer würde was verlieren oder gewinnen?
role-review-sentence = Noch ist nichts gespeichert. Dies sind die Menschen und Programme, deren Rechte sich ändern würden.
role-tokens-lose = { $count ->
    [0] Kein Token dürfte weniger.
    [one] 1 Token dürfte weniger.
   *[other] { $count } Tokens dürften weniger.
  }
role-tokens-gain = { $count ->
    [0] Kein Token dürfte mehr.
    [one] 1 Token dürfte mehr.
   *[other] { $count } Tokens dürften mehr.
  }
role-tokens-uncounted = Es gibt mehr Tokens, als dieser Server im Speicher hält; daher ist nicht bekannt, wie viele sich ändern würden.
role-holders-change = { $count ->
    [0] Kein Mitglied und kein Dienstkonto würde es merken.
    [one] Die Rechte von 1 Mitglied oder Dienstkonto würden sich ändern.
   *[other] Die Rechte von { $count } Mitgliedern und Dienstkonten würden sich ändern.
  }
role-holders-unnamed = { $count ->
    [one] 1 weiteres steht nicht hier.
   *[other] { $count } weitere stehen nicht hier.
  }
column-who = Wer
column-loses = Verliert
column-gains = Gewinnt
column-tokens = Tokens
nothing = –
tokens-less = { $count ->
    [one] 1 darf weniger
   *[other] { $count } dürfen weniger
  }
tokens-more = { $count ->
    [one] 1 darf mehr
   *[other] { $count } dürfen mehr
  }
save-anyway = Die Rolle speichern
back-to-editing = Zurück
role-moved-on = Jemand hat dieses Konto inzwischen geändert. So wäre es jetzt.
role-delete-title = Die Rolle { $name } löschen?
role-delete-sentence = Sie geht endgültig. Das geht nur, solange niemand sie hat, weder ein Mitglied noch ein Token.
role-delete-button = Diese Rolle löschen
role-delete = Löschen
role-held = { $count ->
    [one] 1 Mitglied oder Dienstkonto hat sie noch. Geben Sie ihm zuerst eine andere Rolle.
   *[other] { $count } Mitglieder und Dienstkonten haben sie noch. Geben Sie ihnen zuerst eine andere Rolle.
  }
done-roles-added = Die Rolle ist da.
done-roles-edited = Die Rolle ist geändert.
done-roles-deleted = Die Rolle ist gelöscht.

# What the rules say in English
refused-holders-name-taken-email = Diese Person ist schon Mitglied, oder die Adresse ist vergeben.
refused-holders-name-taken-external-id = Ein anderes Mitglied dieses Kontos hat schon diese Kennung.
refused-holders-forbidden-email = Ein anderes Konto dieses Servers kennt diese Adresse; der Betreiber kann die Person hier hinzufügen.
refused-holders-forbidden-external-id = Diese Kennung vergibt hier nur, wer in diesem Konto alles darf. Lassen Sie sie weg.
refused-holders-forbidden-role = Diese Rolle darf mehr als Sie.
refused-holders-forbidden-bindings = Eine dieser Rollen darf dort mehr als Sie.
refused-holders-invalid-field-email = Geben Sie eine E-Mail-Adresse wie ada@example.com an. Wer sich anmelden soll, braucht eine.
refused-holders-invalid-field-password = Wählen Sie ein Passwort mit 12 bis 256 Zeichen; wer sich schon anmelden kann, braucht hier keines.
refused-holders-invalid-field-role = Diese Rolle gibt es in diesem Konto nicht.
refused-holders-invalid-field-bindings = Wählen Sie Rollen und Orte, die es gibt, und an jedem Ort nur eine Rolle.
refused-holders-invalid-field-external-id = Diese Kennung ist zu lang oder enthält Zeichen, die nicht gehen.
refused-holders-invalid-field-metadata = Metadaten sind ein JSON-Objekt mit höchstens 4096 Bytes.
refused-holders-wrong-state = Dies ist das letzte aktive Mitglied mit der stärksten Rolle. Geben Sie sie zuerst jemand anderem.
refused-holders-deactivate-wrong-state = Dies ist das letzte aktive Mitglied mit der stärksten Rolle. Geben Sie sie zuerst jemand anderem.
refused-holders-remove-wrong-state = Dies ist das letzte aktive Mitglied mit der stärksten Rolle, oder es hat noch gültige Tokens, die zuerst gelöscht werden müssen.
refused-roles-name-taken-name = Eine Rolle dieses Kontos heißt schon so; wählen Sie einen anderen Namen.
refused-roles-invalid-field-permissions = Diese Rechte gibt es in diesem Konto nicht.
refused-roles-forbidden-permissions = Niemand gibt oder nimmt mehr, als er selbst darf.
refused-roles-wrong-state = Die Richtlinie des Kontos nennt diese Rolle; ändern Sie zuerst die Richtlinie.
refused-roles-limit-reached = Ein Konto hat höchstens 200 Rollen; löschen Sie eine, die niemand mehr hat.
refused-roles-delete-wrong-state = Diese Rolle hat noch jemand, oder die Richtlinie des Kontos nennt sie; so lange bleibt sie.
