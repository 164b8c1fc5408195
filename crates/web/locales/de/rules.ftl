# The journal and the notices.

# The journal
journal-purpose = Was geschah, durch wen und womit. Die Einträge hängen aneinander: Niemand ändert einen unbemerkt.
journal-whose = Wessen Journal
journal-of-account = Dieses Konto
journal-of-server = Der ganze Server
journal-csv = Als CSV ausgeben
journal-jsonl = Als JSON-Zeilen ausgeben
journal-verify = Kette prüfen
journal-valid = { $count ->
    [one] Der eine Eintrag ist, was geschrieben wurde.
   *[other] Alle { $entries } Einträge sind, was geschrieben wurde, und jeder folgt aus dem vorigen.
  }
journal-valid-erased = { $count ->
    [one] Der Text eines Eintrags wurde gelöscht, wie das Journal selbst sagt.
   *[other] Die Texte von { $count } Einträgen wurden gelöscht, wie das Journal selbst sagt.
  }
journal-broken = Eintrag { $seq } ist nicht, wie er geschrieben wurde ({ $what }). Jemand oder etwas hat das Journal nachträglich geändert: Lassen Sie die Daten, wie sie sind, und vergleichen Sie sie mit einer Sicherung.
journal-about = Über
journal-anything = Alles
journal-by = Durch
journal-subject = Kennung dessen, womit es geschah
journal-since = Von
journal-until = Bis
journal-none = Noch ist nichts geschehen.
journal-none-found = Kein Eintrag passt zu diesen Filtern.
journal-none-here = Unter den bisher durchgesehenen Einträgen passt keiner.
journal-look-on = Weiter zurück suchen
journal-details = Einzelheiten
journal-time = Zeit
journal-entry = Eintrag
journal-how = Wie
journal-text = Text
journal-erased = Gelöscht, weil jemand vergessen werden wollte.
journal-hash = Hash
wrong-id = Geben Sie eine Kennung wie pat_0123456789ab an, ohne Leerzeichen.
family-token = Einzelne Tokens
family-tokens = Viele Tokens auf einmal
family-session = An- und Abmelden
family-password = Passwörter
family-second-factor = Einmalcodes
family-member = Mitglieder
family-service-account = Dienstkonten
family-person = Personen
family-role = Rollen
family-policy = Die Richtlinie
family-account = Das Konto
family-node = Der Baum
family-installation = Installationen
family-webhook = Webhooks
family-notices = Benachrichtigungen
family-service = Dienste
family-journal = Das Journal selbst
family-server = Der Server
actor-operator = Der Betreiber
actor-nobody = Jemand Unbekanntes
actor-github = GitHub
via-session = angemeldet als { $id }
via-token = mit dem Token { $id }
via-service = durch den Dienst { $id }
told-account-created = { $who } hat das Konto { $what } erstellt
told-account-edited = { $who } hat geändert, wie das Konto { $what } heißt
told-account-deactivated = { $who } hat das Konto { $what } geschlossen
told-account-reactivated = { $who } hat das Konto { $what } wieder geöffnet
told-policy-changed = { $who } hat die Richtlinie von { $what } geändert
told-role-created = { $who } hat die Rolle { $what } erstellt
told-role-edited = { $who } hat die Rolle { $what } geändert
told-role-deleted = { $who } hat die Rolle { $what } gelöscht
told-person-created = { $who } hat { $what } als Person bekannt gemacht, die sich anmelden kann
told-member-created = { $who } hat das Mitglied { $what } hinzugefügt
told-member-invited = { $who } hat { $what } eingeladen
told-member-accepted = { $who } hat die Einladung angenommen
told-password-changed = { $who } hat das eigene Passwort geändert
told-second-factor-enabled = { $who } benutzt nun Einmalcodes
told-second-factor-disabled = { $who } benutzt keine Einmalcodes mehr
told-second-factor-used = { $who } hat sich noch einmal mit einem Einmalcode ausgewiesen
told-password-forgotten = { $who } hat um eine Mail gebeten, mit der { $what } ein neues Passwort wählt
told-password-reset = { $what } hat mit dem Link einer Mail ein neues Passwort gewählt
told-password-refused = { $who } hat für { $what } ein falsches Passwort angegeben
told-second-factor-refused = { $who } hat für { $what } einen falschen Einmalcode angegeben
told-member-edited = { $who } hat das Mitglied { $what } geändert
told-member-deactivated = { $who } hat { $what } deaktiviert
told-member-reactivated = { $who } hat { $what } wieder aktiviert
told-member-removed = { $who } hat { $what } entfernt
told-member-erased = { $who } hat alles vergessen lassen, was sagte, wer { $what } war
told-service-account-created = { $who } hat das Dienstkonto { $what } hinzugefügt
told-node-created = { $who } hat { $what } im Baum hinzugefügt
told-node-edited = { $who } hat { $what } im Baum umbenannt
told-installation-created = { $who } hat die Installation { $what } hinzugefügt
told-installation-edited = { $who } hat die Installation { $what } geändert
told-installation-deleted = { $who } hat die Installation { $what } entfernt
told-notices-chosen = { $who } hat gewählt, welche Benachrichtigungen { $what } bekommt
told-webhook-created = { $who } hat den Webhook { $what } angelegt
told-webhook-edited = { $who } hat den Webhook { $what } bearbeitet
told-webhook-rotated = { $who } hat dem Webhook { $what } ein neues Geheimnis gegeben
told-webhook-deleted = { $who } hat den Webhook { $what } entfernt
told-token-created = { $who } hat das Token { $what } erstellt
told-token-edited = { $who } hat das Token { $what } bearbeitet
told-token-rotated = { $who } hat das Token { $what } ersetzt
told-token-revoked = { $who } hat das Token { $what } widerrufen
told-tokens-revoked = { $count ->
    [one] { $who } hat 1 Token auf einmal widerrufen
   *[other] { $who } hat { $count } Tokens auf einmal widerrufen
  }
told-token-approved = { $who } hat das Token { $what } freigegeben
told-token-leaked = { $who } hat das Token { $what } als bekannt geworden gemeldet
told-token-revealed = { $who } hat das Geheimnis des Tokens { $what } angesehen
told-token-deleted = { $who } hat das Token { $what } gelöscht
told-token-expired = Das Token { $what } ist abgelaufen und wurde gelöscht
told-token-replaced = { $who } hat das Token { $what } aus einer Sicherung zurückgeholt
told-tokens-imported = { $count ->
    [one] { $who } hat 1 Token übernommen
   *[other] { $who } hat { $count } Tokens übernommen
  }
told-session-started = { $who } hat sich angemeldet
told-session-refreshed = { $who } hat eine Sitzung fortgesetzt
told-session-replayed = Ein Erneuerungstoken von { $who } kam zweimal, darum wurde die Sitzung beendet
told-session-ended = { $who } hat sich abgemeldet
told-service-created = { $who } hat den Dienst { $what } erstellt
told-service-revoked = { $who } hat den Schlüssel des Dienstes { $what } widerrufen
told-person-reset = { $who } hat { $what } ein neues Passwort gegeben, am Rechner selbst
told-person-retired = { $who } hat { $what } den Betrieb des Servers genommen
told-server-restored = { $who } hat den Server aus einer Sicherung wiederhergestellt
told-journal-erased = { $who } hat Texte des Journals gelöscht
told-other = { $who }: { $action } { $what }

# Notices
notices-purpose = Wer erfährt, dass ein Token endet, und wann.
notices-yours = E-Mails an Sie
notices-yours-how = Wenn eines Ihrer Tokens, oder eines, für das Sie einstehen, bald endet.
notices-as-policy-on = Wie es das Konto bestimmt, derzeit ja
notices-as-policy-off = Wie es das Konto bestimmt, derzeit nein
notices-always = Ja, immer
notices-never = Nein, nie
notices-not-yours = Wer mit einem Token oder durch einen Dienst kommt, wählt hier nichts; melden Sie sich mit Ihrem Passwort an.
notices-due = Diese enden bald
notices-due-none = Kein Token, das Sie sehen können, endet bald.
notices-due-more = Es sind mehr als diese.
notices-ends = Endet
notices-account = Was das Konto bestimmt
notices-change = In der Richtlinie ändern
notices-closed = Diese Seite sehen nur die, die die Tokens dieses Kontos verwalten.
notices-no-mail = Dieser Server sendet keine Mails: Sein Betreiber hat keinen Mailserver genannt. Ihre Wahl wird gemerkt.
done-notices = Ihre Wahl ist gespeichert.
