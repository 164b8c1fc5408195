# Pages for operators: inventory, accounts, cluster.

# Inventory
inventory-purpose = Jedes Token des Servers: wem es gehört, wie alt es ist, wann es endet und wann es zuletzt benutzt wurde.
inventory-none = Auf diesem Server gibt es noch kein Token.
inventory-wrong = Einer der Filter ist keine Kennung, kein Tag, kein Ort und kein Recht, das dieser Server kennt.
inventory-more = Mehr Filter
inventory-either = Gleich
any-kind = Jede Art
inventory-role = Rolle
inventory-kind = Art
inventory-holder-id = Kennung des Besitzers
inventory-issuer-id = Kennung dessen, der es erstellt hat
inventory-permission = Darf, etwa files:read
inventory-node = An oder unter einem Ort, etwa /sales
inventory-created-after = Erstellt ab
inventory-created-before = Erstellt vor
inventory-expires-after = Endet ab
inventory-expires-before = Endet vor
inventory-used-after = Zuletzt benutzt ab
inventory-used-before = Zuletzt benutzt vor
inventory-ends = Ende
inventory-never-ends = Endet nie
inventory-some-day = Endet einmal
inventory-uses = Benutzung
inventory-never-used = Nie benutzt
inventory-was-used = Schon benutzt
inventory-count = { $count ->
    [one] 1 Token
   *[other] { $tokens } Tokens
  }
inventory-accounts = { $count ->
    [one] von 1 Konto
   *[other] von { $count } Konten
  }
inventory-by-status = Nach Status
inventory-by-holder = Die meisten Tokens
inventory-by-role = Nach Rolle
inventory-by-kind = Nach Art
inventory-by-age = Nach Alter
inventory-by-expiry = Bis sie enden
inventory-by-use = Seit der letzten Benutzung
inventory-no-role = Andere Rechte
kind-pat = von Mitgliedern
kind-sat = von Dienstkonten
kind-ses = Anmeldungen
bucket-past = Schon abgelaufen
bucket-days-7 = Bis 7 Tage
bucket-days-30 = 7 bis 30 Tage
bucket-days-90 = 30 bis 90 Tage
bucket-days-365 = 90 bis 365 Tage
bucket-longer = Länger
bucket-never-ends = Nie
bucket-never-used = Nie benutzt
column-account = Konto
column-holder = Gehört
column-may = Rechte
column-status = Status
inventory-revoke = Alle diese widerrufen
inventory-revoke-title = { $count ->
    [one] 1 Token widerrufen?
   *[other] { $tokens } Tokens widerrufen?
  }
inventory-revoke-button = { $count ->
    [one] 1 Token widerrufen
   *[other] { $tokens } Tokens widerrufen
  }
inventory-revoke-sentence = Diese und keine anderen, mit denen, die sie ersetzt haben: Aufrufe mit ihnen werden abgewiesen, sobald Sie bestätigen. Passen bis dahin andere, wird nichts widerrufen, und Sie sehen noch einmal nach.
inventory-revoke-all = Filtern Sie erst: Hier widerruft niemand alle Tokens eines Servers auf einmal.
inventory-yours = Womit Sie angemeldet sind, ist darunter: Mit der Bestätigung sind Sie abgemeldet.
inventory-of-accounts = Von Konten
inventory-more-accounts = { $count ->
    [one] und von 1 weiteren
   *[other] und von { $count } weiteren
  }
inventory-examples = Die neuesten
inventory-nothing = Nichts, das noch gilt, passt zu diesem Filter.
inventory-changed = Inzwischen passen andere Tokens als die, die Sie gesehen haben. Hier ist, was jetzt passt; sehen Sie noch einmal nach, bevor Sie bestätigen.
done-inventory = Sie sind widerrufen, und das Journal erzählt von allen.

# Accounts
accounts-purpose = Die Kunden dieses Servers, jeder mit eigenen Mitgliedern, Rollen, eigener Richtlinie und eigenen Tokens.
accounts-add = Konto hinzufügen
account-preset = Vorlage
account-external-id = Kennung im Produkt
account-is-open = offen
account-is-closed = geschlossen
account-is-yours = Hier arbeiten Sie
account-new-title = Ein Konto hinzufügen
account-new-how = Es bekommt Abschriften der Richtlinie und der Rollen der Vorlage. Niemand ist darin, bis Sie sein erstes Mitglied hinzufügen.
account-id-how = 2 bis 40 Zeichen aus a–z, 0–9 und -. Sie ändert sich nie.
account-wrong-id = Wählen Sie 2 bis 40 Zeichen aus a–z, 0–9 und -, anders als by-external-id.
account-preset-how = Das Produkt, dem seine Tokenseiten gleichen. Die Richtlinie lässt sich später ändern.
account-external-id-how = Unter der das Produkt selbst es wiederfindet.
account-create = Das Konto hinzufügen
account-tokens = Tokens
account-tokens-of = gelten, von { $tokens }
account-tokens-stopped = Tokens, alle ruhen
account-close = Schließen
account-open = Wieder öffnen
account-close-title = { $name } schließen?
account-close-sentence = { $count ->
    [0] Derzeit gilt keines seiner Tokens. Niemand kann sich mehr anmelden, bis es wieder geöffnet wird.
    [one] 1 Token ruht sofort, und alle darin sind abgemeldet. Wird es wieder geöffnet, gilt, was bis dahin nicht geendet hat.
   *[other] { $tokens } Tokens ruhen sofort, und alle darin sind abgemeldet. Wird es wieder geöffnet, gilt, was bis dahin nicht geendet hat.
  }
account-close-button = Das Konto schließen
account-open-title = { $name } wieder öffnen?
account-open-sentence = Was galt, als es geschlossen wurde, und seither nicht geendet hat, gilt wieder, sobald Sie bestätigen.
account-open-button = Das Konto wieder öffnen
account-first = Sein erstes Mitglied
account-first-how = Noch ist niemand darin. Wen Sie hinzufügen, der kann die anderen hinzufügen.
account-role = Rolle
account-password = Passwort
account-password-how = 12 Zeichen oder mehr, für jemanden, der auf diesem Server neu ist. Wer sich schon anmelden konnte, behält seines.
account-add-member = Das Mitglied hinzufügen
done-account-created = Das Konto ist da.
done-account-closed = Das Konto ist geschlossen.
done-account-opened = Das Konto ist wieder offen.
done-account-member = Das Mitglied ist hinzugefügt.

# Cluster
cluster-purpose = Dieser Server, wie er jetzt ist, soweit dieser Prozess es weiß. Messungen über die Zeit stehen unter /metrics.
cluster-store = Ablage
cluster-well = Sie nimmt Änderungen an
cluster-full = Es ist kaum noch Platz: Sie nimmt nur an, was etwas beendet
cluster-stands = Sie nimmt derzeit keine Änderungen an
cluster-kind = Liegt in
cluster-sqlite = SQLite, durch diesen Prozess allein
cluster-postgres = PostgreSQL, durch alle Prozesse
cluster-version = Version
cluster-position = Journal übernommen bis Eintrag
cluster-head = Letzter Eintrag des Journals
cluster-committed = Änderungen seit dem Start
cluster-waiting = Änderungen und Lesungen, die warten
cluster-failed = Neu entschieden · Ausgang unbekannt · aus Platzmangel abgewiesen
cluster-room = Freier Platz auf dem Datenträger
cluster-tokens = Tokens im Speicher
cluster-listed = Tokens, die Listen im Speicher haben
cluster-misses = Fragen, die der Speicher nicht beantworten konnte
cluster-peers = { $count ->
    [one] 1 Prozess
   *[other] { $count } Prozesse
  }
cluster-peer = Prozess
cluster-own = dieser
cluster-current = auf dem Stand
cluster-behind = { $count ->
    [one] 1 Eintrag zurück
   *[other] { $count } Einträge zurück
  }
cluster-silent = still
cluster-heard = Zuletzt gehört
cluster-seconds = { $count ->
    [0] jetzt
    [one] vor 1 Sekunde
   *[other] vor { $count } Sekunden
  }
cluster-schema = Schema, das er kennt
