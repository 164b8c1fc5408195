# The policy: its pages, and every switch in words.

policy-purpose = Was dieses Konto über seine Tokens bestimmt. Es gilt für alle, sofort.
policy-begun = Sie begann als die Vorlage { $preset }.
policy-change = Ändern
policy-yes = Ja
policy-no = Nein
policy-none = Keine
policy-everybody = Alle
policy-nobody = Niemand
policy-days = { $days } Tage vorher
policy-waits = Diese Version merkt es sich und tut noch nichts damit.
policy-no-words = Die Seiten haben die Worte von jeton.
policy-words = { $count ->
    [one] 1 eigenes Wort dieses Kontos
   *[other] { $count } eigene Worte dieses Kontos
  }
policy-words-how = Wie die Seiten Dinge nennen und was sie sagen. {"{"}name{"}"} steht für den Namen des Tokens, {"{"}role{"}"} für seine Rolle, {"{"}max{"}"} für die Grenze. Ein leerer Satz wird nicht gezeigt.
policy-words-open = Die Worte zeigen
policy-edit-title = Die Richtlinie ändern
policy-edit-how = Noch wird nichts geändert: Erst sehen Sie, welche Schalter sich ändern und was aus den Tokens wird.
policy-presets = Mit einer Vorlage beginnen
policy-presets-how = Das Formular wird mit den Schaltern und Worten der Vorlage gefüllt, anstelle derer des Kontos.
policy-from = Das sind die Schalter von { $preset }.
policy-kept = Die Vorlage nennt Rollen, die dieses Konto nicht hat; darum bleiben die eigenen bei:
policy-review = Zeigen, was sich ändert
policy-wrong = Einige Schalter passen nicht zusammen; was nicht stimmt, steht bei jedem.
policy-contradiction = Das passt nicht zusammen:
policy-same = Es ist nichts anders gestellt, als es ist.
policy-review-title = Die Richtlinie so ändern?
policy-review-how = Sie gilt für alle Tokens, sobald Sie bestätigen.
policy-changes = { $count ->
    [one] 1 Schalter ändert sich
   *[other] { $count } Schalter ändern sich
  }
policy-switch = Schalter
policy-was = Jetzt
policy-is = Dann
policy-save = Richtlinie ändern
policy-back = Noch etwas ändern
policy-not-sent = Öffnen Sie das Formular und senden Sie es noch einmal; dies war keine Richtlinie, die es geschrieben hat.
policy-conflict = Jemand anders hat dieses Konto inzwischen geändert. Sehen Sie noch einmal, was sich jetzt ändern würde.
done-policy = Die Richtlinie ist geändert.
switch-word = Wort „{ $key }“
unit-minutes = Minuten
wrong-choice = Wählen Sie etwas aus der Liste.
wrong-number = Geben Sie eine ganze Zahl an.
wrong-days = Geben Sie ganze Zahlen von Tagen an, etwa 30, 7, 1.
wrong-scheme = Geben Sie Wörter wie Bearer oder Basic an, oder einen Header mit Doppelpunkt wie x-token:, durch Kommas getrennt.

# What becomes of the tokens
outlook-title = Was aus den Tokens wird
outlook-calm = { $count ->
    [0] Noch gibt es kein Token.
    [one] Das eine Token, das es gibt, bleibt, wie es ist.
   *[other] Alle { $tokens } Tokens bleiben, wie sie sind.
  }
outlook-unknown = Es gibt mehr Tokens, als dieser Server zählen soll; darum kann niemand sagen, wie viele sich ändern.
outlook-expire = { $count ->
    [one] 1 Token läuft sofort ab: Programme, die es benutzen, werden abgewiesen.
   *[other] { $tokens } Tokens laufen sofort ab: Programme, die sie benutzen, werden abgewiesen.
  }
outlook-suspend = { $count ->
    [one] 1 Token ruht sofort: Programme, die es benutzen, werden abgewiesen.
   *[other] { $tokens } Tokens ruhen sofort: Programme, die sie benutzen, werden abgewiesen.
  }
outlook-revive = { $count ->
    [one] 1 abgelaufenes Token gilt wieder.
   *[other] { $tokens } abgelaufene Tokens gelten wieder.
  }
outlook-resume = { $count ->
    [one] 1 ruhendes Token gilt wieder.
   *[other] { $tokens } ruhende Tokens gelten wieder.
  }
outlook-sooner = { $count ->
    [one] 1 Token gilt weiter und endet früher.
   *[other] { $tokens } Tokens gelten weiter und enden früher.
  }
outlook-later = { $count ->
    [one] 1 Token darf länger gelten.
   *[other] { $tokens } Tokens dürfen länger gelten.
  }
outlook-soon = { $count ->
    [one] 1 Token gehört dann zu denen, die bald enden.
   *[other] { $tokens } Tokens gehören dann zu denen, die bald enden.
  }
outlook-less = { $count ->
    [one] 1 Token kann weniger.
   *[other] { $tokens } Tokens können weniger.
  }
outlook-more = { $count ->
    [one] 1 Token kann mehr.
   *[other] { $tokens } Tokens können mehr.
  }
outlook-other = { $count ->
    [one] 1 Token kann anderes als bisher.
   *[other] { $tokens } Tokens können anderes als bisher.
  }

# The groups
policy-group-creating = Wer erstellen darf
policy-group-managing = Wer sieht und verwaltet
policy-group-doing = Was ein Token darf
policy-group-secret = Das Geheimnis
policy-group-living = Wie lange es gilt
policy-group-ending = Wie es endet
policy-group-leaving = Wer geht
policy-group-notices = Benachrichtigungen
policy-group-signing-in = Anmelden
policy-group-words = Worte

# Who may create
switch-create-roles = Wer Tokens erstellen darf
switch-create-roles-means = Mitglieder mit einer dieser Rollen.
switch-create-holder = Für wen
switch-create-holder-means = Für wen ein neues Token handeln darf. Für andere als sich selbst wählen nur die, die verwalten.
option-create-holder-caller = Für sich selbst
option-create-holder-member = Für ein anderes Mitglied
option-create-holder-service-account = Für ein Dienstkonto
switch-create-reauth = Erst das Passwort
switch-create-reauth-means = Wer sich vor mehr als 5 Minuten angemeldet hat, gibt sein Passwort ein, bevor ein Token entsteht.
switch-create-approval = Erst eine Freigabe
switch-create-approval-means = Ein neues Token wartet, bis jemand, der verwaltet, es freigibt.
switch-fields = Felder des Formulars
switch-fields-means = Was man von einem neuen Token sagen kann; alles andere wird abgewiesen.
option-fields-name = Name
option-fields-description = Beschreibung
option-fields-permission = Rechte
option-fields-node = Ort
option-fields-expiry = Ende
option-fields-not-before = Beginn
option-fields-holder = Besitzer
option-fields-metadata = Metadaten
option-fields-conditions = Bedingungen
option-fields-limits = Grenzen
switch-names = Namen
switch-names-means = Ob zwei Tokens des Kontos gleich heißen dürfen.
option-names-any = Dürfen sich wiederholen
option-names-unique = Jeder nur einmal
switch-limit-max = Höchstens so viele
switch-limit-max-means = Wer mehr hat, behält sie und erstellt keine weiteren. Leer: keine Grenze.
option-limit-max-nothing = Keine Grenze
switch-limit-per = Gezählt je
switch-limit-per-means = Wessen Tokens zusammen gezählt werden.
option-limit-per-holder = Besitzer
option-limit-per-account = Konto
switch-limit-counts = Was zählt
switch-limit-counts-means = Tokens in diesen Zuständen nehmen einen Platz ein.
option-limit-counts-active = Aktive
option-limit-counts-pending = Wartende
option-limit-counts-suspended = Ruhende
option-limit-counts-revoked = Widerrufene
option-limit-counts-expired = Abgelaufene

# Who sees and manages
switch-managers = Wer verwaltet
switch-managers-means = Mitglieder mit einer dieser Rollen sehen und verwalten die Tokens aller.
switch-visibility = Was andere sehen
switch-visibility-means = Was die sehen, die nicht verwalten.
option-visibility-none = Nichts: Die Seite gibt es für sie nicht
option-visibility-own = Ihre eigenen Tokens
option-visibility-all = Alle Tokens
switch-edit = Tokens lassen sich bearbeiten
switch-edit-means = Name, Beschreibung, Ende und Metadaten; Rechte können nur weniger werden.

# What a token may do
switch-permission-modes = Wie Rechte gewählt werden
switch-permission-modes-means = Was das Formular anbietet. Nichts, wo alle Tokens dieselbe Rolle haben.
option-permission-modes-inherit = Was der Ersteller darf
option-permission-modes-role = Eine Rolle
option-permission-modes-access = Eine Stufe des Zugriffs
option-permission-modes-list = Rechte mit Namen
option-permission-modes-nothing = Keine Wahl
switch-permission-fixed = Dieselbe Rolle für alle
switch-permission-fixed-means = Jedes Token hat diese Rolle.
switch-permission-cap = Höchstens, was der Ersteller darf
switch-permission-cap-means = Niemand gibt einem Token mehr, als er selbst hat.
switch-permission-ceiling = Wenn der Besitzer Rechte verliert
switch-permission-ceiling-means = Ob ein Token mehr kann, als sein Besitzer in dem Augenblick darf.
option-permission-ceiling-live = Verliert das Token sie auch
option-permission-ceiling-frozen = Behält das Token sie
switch-reach = Tokens an der Verwaltung
switch-reach-means = Ob Tokens selbst an Tokens, Mitgliedern, Rollen und der Richtlinie arbeiten dürfen.
option-reach-resources = Nein, nur am Produkt
option-reach-everything = Ja, so weit ihre Rechte reichen

# The secret
switch-secret = Wie oft es gezeigt wird
switch-secret-means = Was aufbewahrt wird, lässt sich wieder zeigen, und es könnte gestohlen werden.
option-secret-once = Einmal, wenn es entsteht
option-secret-recoverable = Wann immer sein Besitzer oder ein Verwalter fragt
switch-reveal-reauth = Passwort, bevor es wieder gezeigt wird
switch-reveal-reauth-means = Wer sich vor mehr als 5 Minuten angemeldet hat, gibt erst sein Passwort ein.
switch-example = Beispiel daneben
switch-example-means = Was mit einem neuen Geheimnis gezeigt wird, zum Einfügen.
option-example-none = Keines
option-example-curl = Ein Aufruf mit curl
option-example-header = Die Zeile des Headers
option-example-both = Beides
switch-schemes = Wie es gesendet wird
switch-schemes-means = Was Gateways und Dialekte annehmen, das übliche zuerst. Die eigene API von jeton nimmt in jedem Fall Bearer.
switch-brand = Womit es beginnt
switch-brand-means = Der erste Teil des Textes eines neuen Tokens. Ältere behalten den ihren.
switch-cache-ms = Wie lange man einem Urteil trauen darf
switch-cache-ms-means = In Millisekunden, für Dienste, die fragen. So lange wartet die Antwort auf einen Widerruf.
option-cache-ms-count = { $count } ms

# How long it lives
switch-expiry-modes = Wie ein Ende gewählt wird
switch-expiry-modes-means = Was das Formular anbietet. Nichts, wo alle Tokens gleich lange gelten.
option-expiry-modes-never = Nie
option-expiry-modes-date = An einem Tag
option-expiry-modes-period = Nach einer Zeit
option-expiry-modes-nothing = Keine Wahl
switch-expiry-default = Wenn nichts gewählt wird
switch-expiry-default-means = Wie lange ein Token gilt, von dem niemand etwas anderes gesagt hat.
option-expiry-default-nothing = Es endet nie
switch-expiry-fixed = Gleich lange für alle
switch-expiry-fixed-means = Jedes neue Token endet nach dieser Zeit.
switch-expiry-max = Längstens
switch-expiry-max-means = Kein Token gilt länger als das, auch keines, das es schon gibt.
option-expiry-max-nothing = So lange man will
switch-idle = Unbenutzt
switch-idle-means = Ein Token, das so lange niemand benutzt hat, gilt nicht mehr.
option-idle-nothing = Es darf für immer liegen
switch-rotate-allowed = Tokens lassen sich ersetzen
switch-rotate-allowed-means = Ein Token bekommt ein neues Geheimnis mit denselben Rechten und derselben Dauer.
switch-rotate-grace-max = Frist nach dem Ersetzen
switch-rotate-grace-max-means = Wie lange das alte Geheimnis noch gelten darf, höchstens.
option-rotate-grace-max-nothing = Keine: Es endet sofort

# How it ends
switch-removal = Was man mit einem Token tun kann
switch-removal-means = Freigeben bringt ein widerrufenes vor seinem Ende zurück.
option-removal-revoke = Widerrufen
option-removal-approve = Freigeben
option-removal-delete = Löschen
switch-confirm-mode = Vor dem Löschen
switch-confirm-mode-means = Was man zur Bestätigung tippt.
option-confirm-mode-none = Nichts
option-confirm-mode-name = Den Namen des Tokens
option-confirm-mode-word = Ein Wort
switch-confirm-word = Das Wort
switch-confirm-word-means = Was man tippt, wo ein Wort verlangt wird.
switch-confirm-show-use = Erst zeigen, was ausfiele
switch-confirm-show-use-means = Wie oft und von wo es benutzt wurde, bevor es widerrufen oder gelöscht wird.
switch-on-expire = Wenn es abläuft
switch-on-expire-means = Was aus der Zeile eines Tokens wird, das geendet hat.
option-on-expire-keep = Es bleibt in der Liste
option-on-expire-delete = Es wird gelöscht
switch-tombstones-listed = Gelöschte Tokens stehen in der Liste
switch-tombstones-listed-means = Unter dem Filter für gelöschte.
switch-tombstones-keep = Gelöschte Tokens werden aufbewahrt
switch-tombstones-keep-means = Wie lange man fragen kann, was ein gelöschtes Token war.
option-tombstones-keep-nothing = So lange wie das Konto

# People who leave
switch-on-inactive = Wenn jemand deaktiviert wird
switch-on-inactive-means = Was aus den Tokens wird, die dieser Mensch besitzt. Seine Anmeldungen enden in jedem Fall.
option-on-inactive-keep = Sie gelten weiter
option-on-inactive-suspend = Sie ruhen sofort
switch-on-return = Wenn er zurückkommt
switch-on-return-means = Was aus den Tokens wird, die geruht haben.
option-on-return-restore = Sie gelten wieder
option-on-return-approve = Jedes wartet auf eine Freigabe
switch-on-remove = Wenn jemand entfernt wird
switch-on-remove-means = Was aus den Tokens derer wird, die für immer gehen.
option-on-remove-keep = Sie gelten weiter
option-on-remove-delete = Sie werden gelöscht
option-on-remove-refuse = Niemand geht, solange ein Token von ihm gilt
switch-sso-on-revocation = Wenn Single Sign-on den Zugang nimmt
switch-sso-on-revocation-means = Was aus den Tokens derer wird, die sich nicht mehr anmelden dürfen.
option-sso-on-revocation-keep = Sie gelten weiter, und die Seite warnt davor
option-sso-on-revocation-suspend = Sie ruhen sofort
option-sso-on-revocation-nothing = Sie gelten weiter

# Notices
switch-notices-days = Wann
switch-notices-days-means = Wie viele Tage vor dem Ende benachrichtigt wird; vom frühesten an „endet“ ein Token „bald“. Leer: nie.
switch-notices-to = Wer davon erfährt
switch-notices-to-means = Diese Menschen, und Mitglieder mit diesen Rollen.
option-notices-to-holder = Sein Besitzer
option-notices-to-issuer = Wer es erstellt hat
option-notices-to-managers = Die, die verwalten
option-notices-to-nothing = Niemand
switch-notices-badge = Den Bereich kennzeichnen
switch-notices-badge-means = So lange vor einem Ende zeigt die Navigation ein Ausrufezeichen.
option-notices-badge-nothing = Nie
switch-notices-mail = Per E-Mail
switch-notices-mail-means = An die, die nicht gewählt haben; jeder kann für sich anders wählen.

# Signing in
switch-login-mode = Was beim Anmelden entsteht
switch-login-mode-means = Ob Anmeldungen unter den Tokens stehen.
option-login-mode-session = Eine Sitzung, die keine Liste zeigt
option-login-mode-token = Ein Token in der Liste
option-login-mode-pair = Ein Token für den Zugang und eines, das ihn erneuert
switch-login-life = Wie lange es gilt
switch-login-life-means = Danach meldet man sich wieder an. Was begonnen hat, behält sein Ende.
switch-login-refresh = Wie lange es sich erneuern lässt
switch-login-refresh-means = Wie lange das Token gilt, das eine Anmeldung erneuert.
switch-logout = Abmelden
switch-logout-means = Was damit noch endet.
option-logout-end = Die Sitzung endet
option-logout-delete = Das Token der Anmeldung wird gelöscht
option-logout-revoke = Die Sitzung endet, und die Tokens der Person werden widerrufen
