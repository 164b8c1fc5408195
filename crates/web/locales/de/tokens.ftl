# The token pages. What a policy's `words` say is not here.

# The list
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
status-filter-active = aktiv, auch bald endende

# Making and editing a token
create-closed = Ihre Rolle erstellt in diesem Konto keine Tokens; fragen Sie jemanden, der es verwaltet.
optional = wenn Sie mögen
everywhere = Ganz { $name }
holder-self = Ihnen ({ $name })
holder-service-account = { $name } (Dienstkonto)
holder-member = { $name } (Mitglied)
mode-inherit = Alles, was { $name } darf
mode-role = Eine Rolle
mode-access = Eine Stufe
mode-list = Einzelne Rechte
entities-only = Nur für manche Bereiche
entity = Bereich
keep-permission = Wie bisher
keep-end = Wie bisher
edit-permission = Rechte können nur weniger werden.
date-hint = Bis zum Ende dieses Tages, UTC.
how-many = Wie viele
unit = Einheit
unit-hours = Stunden
unit-days = Tage
unit-months = Monate
unit-years = Jahre
span-year = { $count ->
    [one] 1 Jahr
   *[other] { $count } Jahre
  }
span-month = { $count ->
    [one] 1 Monat
   *[other] { $count } Monate
  }
span-day = { $count ->
    [one] 1 Tag
   *[other] { $count } Tage
  }
span-hour = { $count ->
    [one] 1 Stunde
   *[other] { $count } Stunden
  }
span-minute = { $count ->
    [one] 1 Minute
   *[other] { $count } Minuten
  }
span-second = { $count ->
    [one] 1 Sekunde
   *[other] { $count } Sekunden
  }
life-fixed = Es endet am { $day }, nach { $period }.
life-longest = Höchstens { $period }.
more-fields = Mehr
not-before = Beginnt
not-before-hint = In UTC. Leer: sofort.
metadata = Metadaten
metadata-hint = Ein JSON-Objekt für Ihre eigenen Programme.
password-again = Noch einmal Ihr Passwort
form-old = Dieses Formular ist über einen Tag alt. Was Sie eingegeben haben, steht noch da; senden Sie es noch einmal.
wrong-node = Wählen Sie einen Ort aus der Liste.
wrong-moment = Geben Sie Tag und Uhrzeit an.
wrong-holder = Wählen Sie jemanden aus der Liste.
wrong-date = Geben Sie einen Tag an.
wrong-period = Geben Sie eine ganze Zahl und eine Einheit an.
wrong-metadata = Das ist kein JSON-Objekt wie {"{"}"team": "data"{"}"}.
edit-title = { $name } bearbeiten
edit-conflict = Jemand anders hat dieses Token inzwischen geändert. Öffnen Sie es neu, um zu sehen, wie es jetzt ist.

# Once
done = Fertig
made-title = Dieses Formular hat schon ein Token erstellt
made-sentence = Es erstellt eines und kein zweites, und was es erstellt hat, wird nicht noch einmal gezeigt. Ist das Geheimnis verloren, löschen oder widerrufen Sie das Token und erstellen Sie ein neues.
made-show = Das Token zeigen

# What is done with a token
act-closed = Das geht mit diesem Token, wie es jetzt ist, nicht.
reveal-title = { $name } zeigen?
reveal-sentence = Sein Geheimnis wird gezeigt, und das Journal hält es fest.
rotate-title = { $name } ersetzen?
rotate-sentence = Es bekommt ein neues Geheimnis und eine neue Kennung, mit denselben Rechten und derselben Lebensdauer. Das neue Geheimnis sehen Sie einmal.
grace = Das alte Geheimnis gilt weiter für
grace-hint = Höchstens { $period }. Mit 0 wird es sofort abgewiesen.
revoke-title = { $name } widerrufen?
revoke-sentence = Aufrufe damit werden abgewiesen, sobald Sie bestätigen.
revoke-sentence-undone = Aufrufe damit werden abgewiesen, sobald Sie bestätigen. Wer die Tokens verwaltet, kann es wieder freigeben, bevor es endet.
approve-title = { $name } freigeben?
approve-sentence = Es gilt, sobald Sie bestätigen.
leak-title = { $name } als offengelegt melden?
leak-sentence = Es endet endgültig: Niemand kann es wieder freigeben.
leak-button = Es ist offengelegt, beenden
leak-link = Offenlegung melden
leak-question = Kennt jemand dieses Token, der es nicht sollte?
reason = Grund
confirm-word = Tippen Sie { $word }
break-nothing = In den letzten 30 Tagen hat es niemand benutzt.
break-calls = { $count ->
    [one] 1 Aufruf
   *[other] { $calls } Aufrufe
  } in den letzten 30 Tagen.
break-calls-from = { $count ->
    [one] 1 Aufruf
   *[other] { $calls } Aufrufe
  } in den letzten 30 Tagen, von { $addresses ->
    [one] 1 Adresse
   *[other] { $addresses } Adressen
  }.
break-latest = Zuletzt { $when }.
break-latest-by = Zuletzt { $when }, gefragt von { $service }.
undo = Rückgängig
done-created = Das Token ist da.
done-edited = Das Token ist geändert.
done-revoked = Das Token ist widerrufen.
done-approved = Das Token ist freigegeben.
done-leaked = Das Token ist endgültig beendet.
done-deleted = Das Token ist gelöscht.

# One token
facts = Was es ist
from-address = von { $address }
why-not-yet = Es beginnt am { $when }.
why-expiring = Es endet am { $when }.
why-expired = Es endete am { $when }.
why-holder-inactive = { $name } wurde am { $when } deaktiviert.
why-account-inactive = Das Konto wurde am { $when } geschlossen.
why-revoked = Es wurde am { $when } widerrufen.
why-all-revoked = Alle Tokens von { $name } wurden am { $when } widerrufen.
why-pending = Wer die Tokens verwaltet, muss es freigeben.
why-grace = Es wurde ersetzt und gilt noch bis { $when }.
why-rotated = Es wurde durch ein neueres ersetzt.
why-leaked = Es wurde am { $when } als offengelegt gemeldet.
why-deleted = Es wurde am { $when } gelöscht.
replaced-by = Das Token, das es ersetzt hat
use-title = Benutzung in den letzten 90 Tagen
chart-day = { $day }: { $count } Aufrufe
chart-day-refused = { $day }: { $count } Aufrufe, { $refused } abgewiesen
chart-sum = { $count } Aufrufe, { $refused } abgewiesen.
show-as-table = Als Tabelle zeigen
day = Tag
calls = Aufrufe
refused = Abgewiesen
by-address = Woher
by-service = Gefragt von
other = andere
no-use = Noch keine Aufrufe.
happened-title = Was geschah
did-token-created = Erstellt von
did-token-edited = Geändert von
did-token-rotated = Ersetzt von
did-token-revoked = Widerrufen von
did-token-approved = Freigegeben von
did-token-leaked = Als offengelegt gemeldet von
did-token-revealed = Gezeigt an
did-token-deleted = Gelöscht von
did-token-replaced = Aus einer Sicherung zurückgeholt von
