# One's own page: who one is here, where one is signed in, and what signs one in.

me-title = Sie
me-sentence = Wer Sie hier sind, wo Sie angemeldet sind und womit Sie sich anmelden.
me-who = Wer Sie sind
me-name = Name
me-role = Rolle
me-id = Kennung
me-since = Mitglied seit
me-operator = Betreiber
me-operator-sentence = Sie betreiben diesen Server.

me-where = Wo Sie angemeldet sind
me-where-sentence = In diesem Konto. Beenden Sie, was Sie nicht kennen, und ändern Sie Ihr Passwort.
me-column-agent = Womit
me-column-since = Seit
me-column-used = Zuletzt benutzt
me-column-until = Endet
me-this-one = diese hier
me-not-used = Seither nicht benutzt
me-end = Beenden
me-agent = { $program } unter { $system }
me-agent-unknown = Ein Programm, das nicht sagt, was es ist

me-proof = Womit Sie sich anmelden
me-password-sentence = Ändern Sie es, wenn jemand anders es kennen könnte; alles, was unter ihm entstanden ist, kann mit ihm enden.
me-password-change = Passwort ändern
me-no-password = Sie kommen über Links des Produkts herein und haben hier kein Passwort.
me-present-password = Jetziges Passwort
me-new-password = Neues Passwort
me-new-password-hint = 12 bis 256 Zeichen, welche Sie mögen.
me-everything = Alle meine Tokens widerrufen und meine anderen Sitzungen beenden
me-everything-hint = In jedem Konto, in dem Sie sind, in einem Zug: falls jemand anders sich für Sie ausgegeben haben könnte. Was Ihre Programme benutzen, muss dann neu erstellt werden.

me-codes = Einmalcodes
me-codes-sentence = Eine App auf Ihrem Telefon zeigt einen Code, nach dem im Anschluss an das Passwort gefragt wird, sodass das Passwort allein nichts öffnet.
me-codes-on = In Gebrauch
me-codes-left = { $count ->
    [0] Kein Wiederherstellungscode ist übrig. Schalten Sie die Codes aus und wieder ein, um neue zu bekommen.
    [one] Ein Wiederherstellungscode ist übrig. Schalten Sie die Codes aus und wieder ein, um neue zu bekommen.
   *[other] { $count } Wiederherstellungscodes sind übrig.
  }
me-codes-switch-on = Einmalcodes benutzen
me-codes-switch-off = Ausschalten

codes-title = Einmalcodes benutzen
codes-scan = Lesen Sie dies mit der App ein, die Ihre Codes zeigen soll.
codes-picture = Das Geheimnis als Bild für die Kamera der App
codes-by-hand = Oder tippen Sie dieses Geheimnis hinein:
codes-copy = Kopieren
codes-first = Der Code, den sie jetzt zeigt
codes-first-wrong = Das ist nicht der Code zu diesem Geheimnis. Warten Sie auf den nächsten und sehen Sie nach, ob die Uhr des Telefons richtig geht.
codes-late = Das hat zu lange gedauert. Hier ist ein neues Geheimnis; lesen Sie es anstelle des vorigen ein.
codes-on-already = Sie benutzen schon Einmalcodes. Schalten Sie sie erst aus.
codes-off-already = Sie benutzen keine Einmalcodes.
codes-off-title = Einmalcodes ausschalten?
codes-off-sentence = Ihr Passwort allein meldet Sie dann wieder an, und Ihre Wiederherstellungscodes öffnen nichts mehr.
codes-off-button = Einmalcodes ausschalten

recovery-title = Ihre Wiederherstellungscodes
recovery-sentence = Jeder von ihnen meldet Sie einmal an, anstelle eines Einmalcodes, wenn Sie Ihr Telefon nicht haben.
recovery-once = Sie sehen sie nicht wieder. Bewahren Sie sie da auf, wo nichts verloren geht, und nicht auf dem Telefon.
recovery-kept = Ich habe sie aufbewahrt

# What was just done
done-session-ended = Die Sitzung ist beendet.
done-password = Ihr Passwort ist geändert.
done-password-everything = Ihr Passwort ist geändert. Alle Ihre Tokens sind widerrufen und Ihre anderen Sitzungen beendet.
done-codes-on = Von jetzt an wird nach dem Passwort nach einem Einmalcode gefragt.
done-codes-off = Ihr Passwort allein meldet Sie wieder an.
