# What stands around every page, times, and the pages before one is signed in.

# Around every page
skip = Zum Inhalt springen
menu = Menü
sections = Bereiche
account = Konto
other-accounts = Ihre anderen Konten
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
sign-in-slowed-seconds = Zu viele falsche Versuche. Versuchen Sie es in { $count ->
    [one] einer Sekunde
   *[other] { $count } Sekunden
  } noch einmal.
sign-in-slowed-minutes = Zu viele falsche Versuche. Versuchen Sie es in { $count } Minuten noch einmal.
sign-in-unsafe = Unter dieser Adresse ist ein Passwort nicht sicher: Sie ist weder https noch dieser Rechner. Bitten Sie den Betreiber, die Konsole hinter TLS zu stellen und server.public_url auf ihre https-Adresse zu setzen.
sign-in-several = Sie sind in mehreren Konten?
email = E-Mail-Adresse
password = Passwort
account-id = Kennung des Kontos
sign-in-code-title = Noch ein Schritt
sign-in-code-how = Öffnen Sie die App, die Ihre Einmalcodes zeigt, und geben Sie den für { $name } ein.
sign-in-code-again = Von vorn beginnen
sign-in-late = Das hat zu lange gedauert. Geben Sie Ihr Passwort noch einmal ein.

# What was refused
refused-reauthentication-required = Sie haben sich vor einer Weile angemeldet. Geben Sie Ihr Passwort noch einmal ein.
refused-password = Das Passwort ist nicht richtig.
refused-confirmation-required = Tippen Sie genau, was oben steht.
refused-code = Der Code stimmt nicht. Geben Sie den ein, den Ihre App jetzt zeigt, oder einen Wiederherstellungscode; jeder gilt einmal.

# Who one is, once more
one-time-code = Code aus Ihrer App
one-time-code-hint = Sechs Ziffern, oder einer Ihrer Wiederherstellungscodes.
reauth-impossible = Dafür müssen Sie in den letzten fünf Minuten hereingekommen sein, und ein Passwort haben Sie hier nicht. Kommen Sie noch einmal aus dem Produkt herein.
again-title = Zeigen Sie, dass Sie es sind
again-sentence = Sie haben sich vor einer Weile angemeldet. Was Sie ausgefüllt haben, bleibt erhalten und geschieht, sobald Sie Ihr Passwort eingegeben haben.
again-first-password = Das des neuen Mitglieds. Nur ein Passwort bleibt nicht erhalten: Geben Sie es noch einmal ein.
again-button = Weiter
