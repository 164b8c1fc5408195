# The tree and installations.

# The tree
tree-title = Baum
tree-purpose = Die Orte dieses Kontos: { $levels }. Rollen und Tokens gelten an einem Ort und überall darunter. Orte werden nie entfernt, damit nie etwas anderes bedeutet, was an einem gegeben wurde.
tree-add = Ort hinzufügen
tree-add-level = { $level } hinzufügen
tree-none = Noch keine Orte
tree-teach = Legen Sie einen Ort für jeden Teil Ihrer Organisation an, der eigene Mitglieder, Tokens oder Installationen haben soll.
column-place = Ort
column-level = Ebene
column-path = Pfad
tree-rename = Umbenennen
tree-add-below = Darunter hinzufügen
tree-add-below-of = Unter { $name } hinzufügen
tree-below = Unter
tree-root = { $name } (das ganze Konto)
tree-slug = Kurzname
tree-slug-hint = Kleinbuchstaben, Ziffern und Bindestriche, höchstens 40. Er wird Teil des Pfads und ändert sich nie.
tree-name-hint = Leer: der Kurzname.
tree-rename-title = { $name } umbenennen
tree-rename-hint = Der Pfad bleibt { $path }.
tree-closed = Das geht hier nicht, oder Sie dürfen es nicht.
tree-conflict = Jemand anders hat diesen Ort inzwischen umbenannt. Öffnen Sie ihn neu, um zu sehen, wie er jetzt heißt.
wrong-slug = Geben Sie einen Kurznamen aus Kleinbuchstaben, Ziffern und Bindestrichen an, etwa prod-2.
wrong-below = Wählen Sie einen Ort aus der Liste.
done-tree-added = Der Ort ist da.
done-tree-renamed = Der Ort ist umbenannt.

# What the rules say in English
refused-nodes-name-taken-path = Diesen Ort gibt es schon.
refused-nodes-invalid-field-path = Hier kann kein Ort liegen; der Baum dieses Kontos ist nicht so tief.
refused-nodes-limit-reached = Ein Konto hat höchstens 10.000 Orte, und Orte werden nie entfernt.
