# German. Names that begin with `word-` say what the words of the default policy say in English.

# Around every page
skip = Zum Inhalt springen
menu = Menü
sections = Bereiche
account = Konto
switch = Wechseln
sign-out = Abmelden
return = Zurück zum Produkt
dismiss = Schließen
to-the-console = Zur Konsole
cancel = Abbrechen
save = Speichern
apply = Anwenden
next-page = Weiter
first-page = Erste Seite
copied = Kopiert

nav-members = Mitglieder
nav-service-accounts = Dienstkonten
nav-roles = Rollen
nav-tree = Baum
nav-installations = Installationen
nav-policy = Richtlinie
nav-journal = Journal
nav-accounts = Konten
nav-inventory = Inventar
nav-cluster = Verbund
nav-me = Sie

# Times
ago-moments = gerade eben
in-moments = gleich
ago-minutes = { $count ->
    [one] vor 1 Minute
   *[other] vor { $count } Minuten
  }
ago-hours = { $count ->
    [one] vor 1 Stunde
   *[other] vor { $count } Stunden
  }
ago-days = { $count ->
    [one] vor 1 Tag
   *[other] vor { $count } Tagen
  }
in-minutes = { $count ->
    [one] in 1 Minute
   *[other] in { $count } Minuten
  }
in-hours = { $count ->
    [one] in 1 Stunde
   *[other] in { $count } Stunden
  }
in-days = { $count ->
    [one] in 1 Tag
   *[other] in { $count } Tagen
  }
date = { $day }. { $month } { $year }
month-01 = Jan
month-02 = Feb
month-03 = März
month-04 = Apr
month-05 = Mai
month-06 = Jun
month-07 = Jul
month-08 = Aug
month-09 = Sep
month-10 = Okt
month-11 = Nov
month-12 = Dez

# An empty server
empty-title = Noch hat niemand begonnen
empty-how = Dieser Server hat noch kein Konto. Öffnen Sie den Einrichtungslink, den er beim Start ausgegeben hat, oder führen Sie auf seinem Rechner, während er steht, dies für einen neuen aus:

# Signing in
sign-in = Anmelden
sign-in-wrong = E-Mail-Adresse oder Passwort ist falsch.
sign-in-unsafe = Unter dieser Adresse ist ein Passwort nicht sicher: Sie ist weder https noch dieser Rechner. Bitten Sie den Betreiber, die Konsole hinter TLS zu stellen und server.public_url auf ihre https-Adresse zu setzen.
sign-in-several = Sie sind in mehreren Konten?
email = E-Mail-Adresse
password = Passwort
account-id = Kennung des Kontos

# Tokens
status-active = aktiv
status-expiring = läuft ab
status-expired = abgelaufen
status-suspended = ausgesetzt
status-revoked = widerrufen
status-pending = wartet
status-rotated = ersetzt
status-grace = in der Frist
status-leaked = offengelegt
status-deleted = gelöscht
column-name = Name
column-permission = Darf
column-issued-by = Ausgestellt von
column-status = Status
column-last-used = Zuletzt benutzt
column-expires = Endet
column-created = Erstellt
column-actions = Aktionen
may-inherit = Rechte von { $name }
may-role = Rolle { $role }
may-nothing = Nichts: Die Rolle gibt es nicht mehr
may-full = Alles
may-write = Nur schreiben
may-read = Nur lesen
may-entities = { $level }: { $entities }
may-list = { $permissions }
may-list-more = { $permissions } und { $count } weitere
last-used-from = { $when } von { $address }
never = Nie
search = Suchen
search-hint = Teil eines Namens oder einer Kennung
anybody = Alle
any-role = Jede Rolle
any-status = Jeder Status
none-found = Kein Token passt zu diesen Filtern.
show-all = Alle zeigen
no-tokens = Noch keine Tokens
actions-for = Aktionen für { $name }
tokens-closed = Diese Seite sehen nur, wer die Tokens dieses Kontos verwaltet.

# What the words of the default policy say
word-section-path = Einstellungen > API-Tokens
word-section = API-Tokens
word-purpose-sentence = Mit einem API-Token handelt ein Programm für dieses Konto.
word-warning-sentence = Behandeln Sie ein Token wie ein Passwort.
word-create-button = Token erstellen
word-form-title = Ein Token erstellen
word-name-field = Name
word-description-field = Beschreibung
word-permission-field = Rechte
word-permission-sentence = Ein Token darf höchstens, was sein Ersteller darf.
word-access-full = Voll
word-access-full-sentence = Erstellen, lesen, ändern und löschen.
word-access-write = Nur schreiben
word-access-write-sentence = Erstellen und ändern, nicht lesen.
word-access-read = Nur lesen
word-access-read-sentence = Lesen, nichts ändern.
word-node-field = Wo
word-expiry-field = Endet
word-expiry-never = Nie
word-expiry-date = An einem Tag
word-expiry-period = Nach einer Zeit
word-holder-field = Gehört
word-submit-button = Erstellen
word-limit-sentence = Sie können { "{" }max{ "}" } Tokens haben.
word-created-title = Ihr neues Token
word-once-sentence = Sie sehen es nicht wieder. Wenn Sie es verlieren, erstellen Sie ein neues.
word-example-sentence = So wird es benutzt:
word-copy-button = Kopieren
word-copied-button = Ich habe es kopiert
word-issued-by-filter = Ausgestellt von
word-role-filter = Rolle
word-status-filter = Status
word-never-used = Noch nicht benutzt
word-delete-button = Löschen
word-delete-title = { "{" }name{ "}" } löschen?
word-delete-sentence = Programme, die es benutzen, werden abgewiesen, sobald Sie bestätigen.
word-confirm-field = Tippen Sie den Namen des Tokens
word-confirm-button = Dieses Token löschen
word-revoke-button = Widerrufen
word-revoke-confirm-button = Dieses Token widerrufen
word-approve-button = Freigeben
word-reveal-button = Zeigen
word-edit-button = Bearbeiten
word-rotate-button = Ersetzen
word-notices-section = Benachrichtigungen
word-badge-sentence = Einige Tokens enden bald.
