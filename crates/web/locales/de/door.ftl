# How the console is entered: handed over from the product, invited, set up.

# Nobody is signed in over a line that others listen to
door-unsafe-title = Diese Adresse ist nicht sicher
door-unsafe-how = Sie ist weder https noch dieser Rechner; wer unterwegs mithört, wäre als Sie angemeldet. Es wurde niemand angemeldet und der Link nicht verbraucht. Bitten Sie den Betreiber, die Konsole hinter TLS zu stellen und server.public_url auf ihre https-Adresse zu setzen.

# Handed over
handoff-title = Ihre Konsole ist bereit
handoff-sentence = Das Produkt hat Sie hierher gebracht. Dieser Link meldet Sie einmal an.
handoff-instead = Sie sind als { $who } angemeldet. Der Link ist für jemand anderen: Öffnen Sie ihn nur, wenn Sie gerade aus dem Produkt kommen.
handoff-open = Konsole öffnen
handoff-dead-title = Dieser Link öffnet nichts mehr
handoff-dead-how = Ein Link aus dem Produkt gilt einmal und eine Minute lang. Gehen Sie zurück zum Produkt und öffnen Sie die Seite dort noch einmal.
handoff-closed-title = Sie können in diesem Konto nicht arbeiten
handoff-closed-how = Ihre Mitgliedschaft wurde deaktiviert oder lässt sich nicht aus dem Produkt öffnen. Fragen Sie einen Administrator des Kontos oder melden Sie sich mit Ihrem eigenen Passwort an.

# Set up
door-password-hint = Mindestens 12 Zeichen.
setup-title = Diesen Server einrichten
setup-sentence = Er hat noch kein Konto. Benennen Sie das erste und sich selbst als dessen Administrator; danach sind Sie angemeldet.
setup-account = Das erste Konto
setup-account-name = Name
setup-account-hint = 2 bis 40 Zeichen aus a-z, 0-9 und -, etwa acme. Sie ändert sich nie.
setup-you = Sie
setup-admin = Ihr Name
setup-preset = Wie es sein soll
setup-preset-hint = Das Konto übernimmt Regeln, Rollen und Wörter aus einer Vorlage und kann sie später ändern.
setup-begin = Beginnen
setup-wrong-account = Die Kennung eines Kontos hat 2 bis 40 Zeichen aus a-z, 0-9 und -.
setup-dead-title = Dieser Link öffnet nichts
setup-dead-how = Ein Einrichtungslink gilt einmal und 30 Minuten lang, und jeder Start des Servers macht einen neuen. Für einen weiteren führen Sie `jeton setup-link` auf dem Rechner aus, während der Server steht, oder starten ihn neu. Ist die Einrichtung schon geschehen, melden Sie sich an.
setup-unsafe-title = Diese Adresse ist nicht sicher
setup-unsafe-how = Sie ist weder https noch dieser Rechner; ein hier getipptes Passwort kennt jeder, der unterwegs mithört. Öffnen Sie den Link auf dem Rechner selbst, oder stellen Sie den Server hinter TLS und setzen Sie server.public_url auf seine https-Adresse; ohne Browser genügt `jeton init` auf dem Rechner. Der Link wurde nicht verbraucht.
preset-default = Tokens erben, begrenzen oder nennen einzeln, was sie dürfen, enden nach 90 Tagen, wenn niemand es anders sagt, und lassen sich erneuern.
preset-arm = Wie in AutoRABIT ARM: Tokens für ein Jahr, die Administratoren widerrufen und wieder genehmigen.
preset-cockpit = Wie in Gravitee Cockpit: höchstens zehn Konto-Tokens, die Organisationen und Umgebungen automatisieren.
preset-gcore = Wie in Gcore: dauerhafte Tokens mit einer Rolle, für immer oder bis zu einem Datum.
preset-qovery = Wie in Qovery: Tokens für API, Terraform und CI, allein mit einem Namen.
preset-tagoio = Wie in TagoIO: voller, schreibender oder lesender Zugriff je Anwendung, jederzeit wieder kopierbar.
begun-title = Die Einrichtung ist fertig
begun-sentence = Das Konto { $account } ist da, und Sie sind sein Administrator.
begun-token = Ihr Token namens init
begun-token-hint = Für die Kommandozeile: Es steht für Sie, mit allem, was Sie dürfen.
begun-key = Der Schlüssel Ihres Produkts
begun-key-hint = Damit fragt Ihr Produkt, ob ein Token gut ist, und sonst nichts.
begun-once = Bewahren Sie beides jetzt auf. Sie können es nicht noch einmal sehen; geht eines verloren, machen Sie ein neues.
begun-copied = Ich habe beides kopiert

# Inviting
door-copy = Kopieren
invite-title = Jemanden einladen
invite-sentence = Sie bekommen einen Link zum Weitergeben. Er lässt eine Person ein und gilt 7 Tage.
invite-name = Name
invite-role = Rolle
invite-make = Link erstellen
invite-closed = Mit Ihrer Rolle können Sie niemanden in dieses Konto einladen. Fragen Sie einen Administrator.
invite-again-title = Noch einmal einladen
invite-again-sentence = Mit dem Link wählt die Person ein Passwort und meldet sich an. Ein früherer Link öffnet dann nichts mehr.
invited-title = Die Einladung
invited-sentence = Geben Sie diesen Link der Person und sonst niemandem: Wer ihn öffnet, wird als sie eingelassen. Er gilt einmal, bis { $until }.
invited-hint = Sie können ihn nicht noch einmal sehen. Geht er verloren, erstellen Sie einen neuen; um ihn zurückzunehmen, entfernen Sie das Mitglied.
invited-mailed = Die Person bekommt außerdem eine Mail mit einem eigenen Link, der ebenso gilt.
invited-before = Dieses Formular hat schon eine Einladung erstellt, deren Link nicht noch einmal gezeigt wird. Ist er verloren, erstellen Sie einen neuen.
invited-done = Fertig
done-invited = Das Mitglied ist da und kann sich anmelden, sobald es den Link geöffnet hat.

# Invited
invitation = Einladung
invitation-title = { $account } beitreten
invitation-new = Sie melden sich als { $who } an. Wählen Sie dafür ein Passwort.
invitation-signed-in = Sie sind als { $who } angemeldet und bleiben es in Ihren anderen Konten.
invitation-known = Mit { $who } meldet sich hier schon jemand an. Sind Sie das, melden Sie sich zuerst an; danach kommen Sie hierher zurück.
invitation-squatted = Haben Sie hier nie ein Passwort gewählt, hat es jemand anders für Ihre Adresse getan. Bitten Sie den Betreiber dieses Servers, es zurückzusetzen.
invitation-join = Beitreten
invitation-dead-title = Diese Einladung öffnet nichts
invitation-dead-how = Sie gilt einmal und 7 Tage lang, und nicht mehr, wenn eine neue erstellt wurde oder die Mitgliedschaft endete. Haben Sie sie schon angenommen, melden Sie sich an. Sonst bitten Sie die Person, die Sie eingeladen hat, um eine neue.
done-joined = Sie sind jetzt Mitglied dieses Kontos.

# A forgotten password
forgotten-title = Passwort vergessen?
forgotten-sentence = Geben Sie die Adresse an, mit der Sie sich anmelden. Sie bekommen eine Mail mit einem Link, mit dem Sie ein neues Passwort wählen.
forgotten-do = Link mailen
forgotten-asked = Wenn sich jemand mit dieser Adresse anmeldet, ist eine Mail unterwegs. Ihr Link gilt einmal und 30 Minuten lang.
forgotten-operators = Wer diesen Server betreibt, bekommt keine solche Mail und benutzt auf dem Rechner den Befehl „jeton admin reset“.
forgotten-without = Dieser Server verschickt keine Mails. Bitten Sie den Betreiber um ein neues Passwort.
forgotten-back = Zurück zur Anmeldung
reset-title = Ein neues Passwort wählen
reset-sentence = Für { $who }. Überall, wo Sie angemeldet sind, werden Sie abgemeldet.
reset-password = Neues Passwort
reset-everything = Auch alle meine Token widerrufen
reset-everything-hint = Hat jemand anders Ihr Passwort gekannt, kann er Token erstellt haben. Was Ihre benutzt, geht dann nicht mehr.
reset-do = Passwort setzen
reset-dead-title = Dieser Link öffnet nichts
reset-dead-how = Er gilt einmal und 30 Minuten lang, und nicht mehr, wenn Ihr Passwort geändert wurde. Fordern Sie auf der Seite, auf der Sie sich anmelden, einen neuen an.
reset-done-title = Ihr Passwort ist gesetzt
reset-done = Sie wurden überall abgemeldet. Melden Sie sich mit dem neuen Passwort an.
reset-done-everything = Sie wurden überall abgemeldet, und Ihre Token sind widerrufen. Melden Sie sich mit dem neuen Passwort an.

# The link at the end of a mail
leave-title = Diese Mails abstellen?
leave-sentence = Sie bekommen eine Mail, wenn Tokens in { $account } bald enden.
leave-do = Abstellen
leave-done-title = Sie bekommen keine solchen Mails mehr
leave-done = Was in { $account } endet, steht weiter auf der Seite „Benachrichtigungen“; dort lassen sich die Mails auch wieder einschalten.
leave-back = Zu den Benachrichtigungen
leave-dead-title = Dieser Link führt nirgends mehr hin
leave-dead-how = Ein Link in einer Mail gilt 90 Tage. Melden Sie sich an der Konsole an und wählen Sie unter „Benachrichtigungen“, was Ihnen gemailt wird.
