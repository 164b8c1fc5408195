# The tree and installations.

# The tree
tree-title = Tree
tree-purpose = The places of this account: { $levels }. Roles and tokens hold at a place and everywhere below it. Places are never removed, so that what was given at one never comes to mean another.
tree-add = Add a place
tree-add-level = Add { $level }
tree-none = No places yet
tree-teach = Make a place for each part of your organization that should have members, tokens or installations of its own.
column-place = Place
column-level = Level
column-path = Path
tree-rename = Rename
tree-add-below = Add below
tree-add-below-of = Add below { $name }
tree-below = Below
tree-root = { $name } (the whole account)
tree-slug = Short name
tree-slug-hint = Lower-case letters, digits and hyphens, up to 40. It becomes part of the path and never changes.
tree-name-hint = Empty: the short name.
tree-rename-title = Rename { $name }
tree-rename-hint = Its path stays { $path }.
tree-closed = This cannot be done here, or not by you.
tree-conflict = Somebody else renamed this place meanwhile. Open it again to see what it is called now.
wrong-slug = Type a short name of lower-case letters, digits and hyphens, such as prod-2.
wrong-below = Choose a place of the list.
done-tree-added = The place is there.
done-tree-renamed = The place is renamed.

# Installations
installations-title = Installations
installations-purpose = Running copies of the product, and the places of the tree that they are linked to.
installations-add = Add installation
installations-none = No installations yet
installations-teach = Add the copies of the product that your customers or teams run, and link each to its place.
installations-add-sentence = It is known here from then on. Nothing of it changes.
column-linked = Linked to
linked-nothing = The whole account
linked-more = and { $count } more
linked-hint = Without any it is at the whole account.
linked-paths = Paths, one a line.
edit-installation = Edit or link
installations-delete = Delete
installations-delete-title = Delete { $name }?
installations-delete-sentence = It is not known here any more. The copy itself runs on.
installations-delete-button = Delete this installation
installations-closed = This cannot be done as things are now, or not by you.
installations-conflict = Somebody else changed this installation meanwhile. Open it again to see how it is now.
done-installations-added = The installation is there.
done-installations-edited = The installation is changed.
done-installations-deleted = The installation is deleted.
