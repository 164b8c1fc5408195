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

# Installations
installations-title = Installationen
installations-purpose = Laufende Kopien des Produkts und die Orte des Baums, mit denen sie verknüpft sind.
installations-add = Installation hinzufügen
installations-none = Noch keine Installationen
installations-teach = Fügen Sie die Kopien des Produkts hinzu, die Ihre Kunden oder Teams betreiben, und verknüpfen Sie jede mit ihrem Ort.
installations-add-sentence = Von da an ist sie hier bekannt. An ihr selbst ändert sich nichts.
column-linked = Verknüpft mit
linked-nothing = Dem ganzen Konto
linked-more = und { $count } weiteren
linked-hint = Ohne Ort gehört sie zum ganzen Konto.
linked-paths = Pfade, einer je Zeile.
edit-installation = Bearbeiten oder verknüpfen
installations-delete = Löschen
installations-delete-title = { $name } löschen?
installations-delete-sentence = Hier ist sie dann nicht mehr bekannt. Die Kopie selbst läuft weiter.
installations-delete-button = Diese Installation löschen
installations-closed = Das geht nicht, wie es jetzt ist, oder Sie dürfen es nicht.
installations-conflict = Jemand anders hat diese Installation inzwischen geändert. Öffnen Sie sie neu, um zu sehen, wie sie jetzt ist.
done-installations-added = Die Installation ist da.
done-installations-edited = Die Installation ist geändert.
done-installations-deleted = Die Installation ist gelöscht.

# What the rules say in English
refused-nodes-name-taken-path = Diesen Ort gibt es schon.
refused-nodes-invalid-field-path = Hier kann kein Ort liegen; der Baum dieses Kontos ist nicht so tief.
refused-nodes-limit-reached = Ein Konto hat höchstens 10.000 Orte, und Orte werden nie entfernt.
refused-installations-invalid-field-nodes = Einen dieser Orte gibt es nicht; nennen Sie jeden einmal und höchstens 100.
refused-installations-limit-reached = Ein Konto hat höchstens 10.000 Installationen; löschen Sie die, die es nicht mehr gibt.
