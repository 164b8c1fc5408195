-- The facts, the journal, and what is kept beside them.
--
-- Ids are text as people see it. Times are microseconds since 1970, UTC. Documents (policy,
-- roles, bindings, grants) are JSON in TEXT; a set of permissions in them is 64 hexadecimal
-- digits. No state of a token is stored: it is derived from its times and its surroundings.

CREATE TABLE account (
    id             TEXT PRIMARY KEY,
    name           TEXT NOT NULL,
    external_id    TEXT,
    metadata       TEXT,
    preset         TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    inactive_since INTEGER,
    policy         TEXT NOT NULL,
    levels         TEXT NOT NULL,
    entities       TEXT NOT NULL,
    roles          TEXT NOT NULL,
    -- The last number given to a token; outside the version, so that creating tokens does not
    -- make every other decision about the account a conflict.
    last_number    INTEGER NOT NULL DEFAULT 0,
    version        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX account_external_id
    ON account (external_id)
    WHERE external_id IS NOT NULL;

CREATE TABLE person (
    id         TEXT PRIMARY KEY,
    email      TEXT NOT NULL UNIQUE,
    password   TEXT,
    -- One-time codes besides the password: since when, their secret sealed under a key that is not in this
    -- database, the step of the last code taken, and keyed digests of the recovery codes left, 32 bytes each.
    factor_since    INTEGER,
    factor_secret   BLOB,
    factor_step     INTEGER,
    factor_recovery BLOB,
    operator   INTEGER NOT NULL CHECK (operator IN (0, 1)),
    created_at INTEGER NOT NULL,
    version    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE holder (
    account           TEXT NOT NULL REFERENCES account (id),
    id                TEXT NOT NULL,
    kind              TEXT GENERATED ALWAYS AS (substr(id, 1, 3)) VIRTUAL,
    name              TEXT NOT NULL,
    person            TEXT REFERENCES person (id),
    email             TEXT,
    external_id       TEXT,
    metadata          TEXT,
    bindings          TEXT NOT NULL,
    -- The role bound at the root, again, for the guard that counts those who have it.
    role              TEXT,
    inactive_since    INTEGER,
    approve_after     INTEGER,
    revoked_before    INTEGER,
    removed_at        INTEGER,
    tokens_deleted_at INTEGER,
    -- Whether notices are mailed to this one; as the policy says where nothing was chosen.
    mail              INTEGER CHECK (mail IN (0, 1)),
    created_at        INTEGER NOT NULL,
    version           INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX holder_external_id
    ON holder (account, external_id)
    WHERE external_id IS NOT NULL AND removed_at IS NULL;
CREATE UNIQUE INDEX holder_person
    ON holder (person, account)
    WHERE person IS NOT NULL AND removed_at IS NULL;
CREATE INDEX holder_person_ever
    ON holder (person, account)
    WHERE person IS NOT NULL;
CREATE INDEX holder_role
    ON holder (account, role)
    WHERE role IS NOT NULL;
CREATE INDEX holder_inactive
    ON holder (account, inactive_since)
    WHERE inactive_since IS NOT NULL;

CREATE TABLE node (
    account    TEXT NOT NULL REFERENCES account (id),
    path       TEXT NOT NULL,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    PRIMARY KEY (account, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE installation (
    account    TEXT NOT NULL REFERENCES account (id),
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    nodes      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

-- Rows are appended in the order of creation: the primary key is a rowid table's index whose
-- numbers rise within an account, and only the digest and the code are found at random.
CREATE TABLE token (
    account     TEXT NOT NULL,
    number      INTEGER NOT NULL,
    id          TEXT NOT NULL,
    kind        TEXT GENERATED ALWAYS AS (substr(id, 1, 3)) VIRTUAL,
    code        TEXT GENERATED ALWAYS AS (substr(id, 5)) VIRTUAL,
    holder      TEXT NOT NULL,
    issued_by   TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT,
    metadata    TEXT,
    granted     TEXT NOT NULL,
    role        TEXT GENERATED ALWAYS AS (json_extract(granted, '$.role')) VIRTUAL,
    node        TEXT NOT NULL,
    desk        INTEGER NOT NULL CHECK (desk IN (0, 1)),
    created_at  INTEGER NOT NULL,
    not_before  INTEGER,
    expires_at  INTEGER,
    approved_at INTEGER,
    revoked_at  INTEGER,
    leaked_at   INTEGER,
    rotated_to  TEXT,
    grace_until INTEGER,
    deleted_at  INTEGER,
    reason      TEXT,
    digest      BLOB NOT NULL CHECK (length(digest) = 32),
    -- Where the token may be used from; none for most.
    conditions  TEXT,
    version     INTEGER NOT NULL,
    PRIMARY KEY (account, number),
    FOREIGN KEY (account, holder) REFERENCES holder (account, id),
    FOREIGN KEY (account, issued_by) REFERENCES holder (account, id)
) STRICT;

CREATE UNIQUE INDEX token_digest
    ON token (digest);
-- Unique across kinds; also how a token is found by its id.
CREATE UNIQUE INDEX token_code
    ON token (code);
CREATE INDEX token_holder
    ON token (account, holder, created_at, id);
CREATE INDEX token_created
    ON token (account, created_at, id);
CREATE INDEX token_name
    ON token (account, name, id);
CREATE INDEX token_role
    ON token (account, role)
    WHERE role IS NOT NULL;
CREATE INDEX token_rotated_to
    ON token (rotated_to)
    WHERE rotated_to IS NOT NULL;
-- What may take a place under a limit: never scanned past tokens that have ended by themselves.
CREATE INDEX token_counted
    ON token (account, revoked_at, expires_at)
    WHERE deleted_at IS NULL AND leaked_at IS NULL AND rotated_to IS NULL AND kind IN ('pat', 'sat');
CREATE INDEX token_counted_of_holder
    ON token (account, holder, revoked_at, expires_at)
    WHERE deleted_at IS NULL AND leaked_at IS NULL AND rotated_to IS NULL AND kind IN ('pat', 'sat');

-- Texts that the policy lets people have again: XChaCha20-Poly1305, bound to account and token,
-- under a key that is not in this database.
CREATE TABLE sealed (
    account TEXT NOT NULL,
    token   TEXT NOT NULL,
    nonce   BLOB NOT NULL CHECK (length(nonce) = 24),
    text    BLOB NOT NULL,
    PRIMARY KEY (token)
) STRICT, WITHOUT ROWID;

-- How a text of another make is found by what was imported of it: one row for each kind, length of
-- the prefix, and key of an HMAC, which is sealed under a key that is not in this database.
CREATE TABLE foreign_make (
    id     INTEGER PRIMARY KEY,
    kind   TEXT NOT NULL,
    prefix INTEGER,
    sealed BLOB
) STRICT;

-- What was imported of such texts. `mark` stands in the token's row until the first use brings the
-- text and with it our digest; the row stays, so that it is not imported again, without the hash.
CREATE TABLE foreign_key (
    mark        BLOB PRIMARY KEY CHECK (length(mark) = 32),
    make        INTEGER NOT NULL,
    lookup      BLOB NOT NULL,
    phc         TEXT,
    account     TEXT NOT NULL,
    token       TEXT NOT NULL,
    replaced_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX foreign_key_lookup
    ON foreign_key (make, lookup)
    WHERE replaced_at IS NULL;

CREATE TABLE service (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    accounts   TEXT,
    digest     BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    version    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The registry: bits are given out in order and never mean anything else.
CREATE TABLE permission (
    bit  INTEGER PRIMARY KEY CHECK (bit BETWEEN 0 AND 255),
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Use is counted apart from the tokens, so that no verification writes a token's row.
CREATE TABLE token_use (
    token   TEXT PRIMARY KEY,
    at      INTEGER NOT NULL,
    address TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_day (
    token    TEXT NOT NULL,
    day      INTEGER NOT NULL,
    admitted INTEGER NOT NULL,
    refused  INTEGER NOT NULL,
    PRIMARY KEY (token, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_source (
    token    TEXT NOT NULL,
    day      INTEGER NOT NULL,
    source   TEXT NOT NULL CHECK (source IN ('address', 'service')),
    name     TEXT NOT NULL,
    admitted INTEGER NOT NULL,
    refused  INTEGER NOT NULL,
    PRIMARY KEY (token, day, source, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE remembered (
    key     BLOB PRIMARY KEY,
    request BLOB NOT NULL,
    sealed  BLOB NOT NULL,
    until   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX remembered_until
    ON remembered (until);

CREATE TABLE setup_link (
    hash  BLOB PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Links that let a member in, once. Of a hand-off they name the service that asked for it and the page
-- that it leads to; of a way to another password whose it is; one with neither is an invitation.
CREATE TABLE link (
    hash    BLOB PRIMARY KEY CHECK (length(hash) = 32),
    account TEXT NOT NULL,
    member  TEXT NOT NULL,
    service TEXT,
    place   TEXT,
    person  TEXT,
    until   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX link_member
    ON link (account, member);
CREATE INDEX link_person
    ON link (person)
    WHERE person IS NOT NULL;

-- Mails. Who is written to, and what about, is said by ids alone: addresses and names are read when it is
-- sent. `next_at` is when somebody may begin to send it, or may again; none once it is done with.
CREATE TABLE letter (
    id        TEXT PRIMARY KEY,
    account   TEXT NOT NULL,
    member    TEXT NOT NULL,
    topic     TEXT NOT NULL,
    queued_at INTEGER NOT NULL,
    next_at   INTEGER,
    tries     INTEGER NOT NULL,
    outcome   TEXT CHECK (outcome IN ('begun', 'sent', 'dropped', 'given_up')),
    ended_at  INTEGER,
    version   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX letter_next
    ON letter (next_at)
    WHERE next_at IS NOT NULL;
CREATE INDEX letter_ended
    ON letter (ended_at)
    WHERE ended_at IS NOT NULL;

CREATE INDEX letter_reader
    ON letter (account, member, topic);

-- What happened to which token, for the next letter about it to one reader: none until that is begun, and gone
-- with its end.
CREATE TABLE matter (
    account TEXT NOT NULL,
    member  TEXT NOT NULL,
    topic   TEXT NOT NULL,
    token   TEXT NOT NULL,
    at      INTEGER NOT NULL,
    actor   TEXT,
    letter  TEXT,
    PRIMARY KEY (account, member, topic, token, at)
) STRICT, WITHOUT ROWID;

CREATE INDEX matter_letter
    ON matter (letter)
    WHERE letter IS NOT NULL;

-- Which ends were told to whom, and by which letter; each once. It stays until the end is long past, so that
-- neither a restart nor a clock that went back tells it again.
CREATE TABLE notice (
    token   TEXT NOT NULL,
    ends_at INTEGER NOT NULL,
    member  TEXT NOT NULL,
    days    INTEGER NOT NULL,
    account TEXT NOT NULL,
    letter  TEXT NOT NULL,
    PRIMARY KEY (token, ends_at, member, days)
) STRICT, WITHOUT ROWID;

CREATE INDEX notice_letter
    ON notice (letter);
CREATE INDEX notice_ends
    ON notice (ends_at);

-- Programs that are told what an account's journal says, each from its place in it on (`through`). The secrets
-- that sign are sealed, bound to account and webhook, under a key that is not in this database. How it
-- fares (`through` to `missed`) is outside the version, which is for those who edit it.
CREATE TABLE webhook (
    account       TEXT NOT NULL REFERENCES account (id),
    id            TEXT NOT NULL,
    name          TEXT NOT NULL,
    url           TEXT NOT NULL,
    actions       TEXT NOT NULL,
    enabled       INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    nonce         BLOB NOT NULL CHECK (length(nonce) = 24),
    secret        BLOB NOT NULL,
    older_nonce   BLOB,
    older_secret  BLOB,
    older_until   INTEGER,
    created_at    INTEGER NOT NULL,
    through       INTEGER NOT NULL,
    failing_since INTEGER,
    paused_until  INTEGER,
    missed        INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

-- What was taken from the journal for a webhook, until some time after it is done with. It has no text of its
-- own: that is read from the journal when it is sent. `next_at` is when somebody may begin to send it, or
-- may again; none where an earlier one about the same subject is not done with, and once it is done with.
CREATE TABLE delivery (
    webhook  TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    account  TEXT NOT NULL,
    action   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    since    INTEGER NOT NULL,
    next_at  INTEGER,
    tries    INTEGER NOT NULL,
    fate     TEXT NOT NULL CHECK (fate IN ('waiting', 'due', 'begun', 'delivered', 'given_up')),
    status   INTEGER,
    trouble  TEXT,
    ended_at INTEGER,
    version  INTEGER NOT NULL,
    PRIMARY KEY (webhook, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX delivery_next
    ON delivery (webhook, next_at)
    WHERE next_at IS NOT NULL;
CREATE INDEX delivery_open
    ON delivery (webhook, subject, seq)
    WHERE ended_at IS NULL;
CREATE INDEX delivery_since
    ON delivery (since)
    WHERE ended_at IS NULL;
CREATE INDEX delivery_ended
    ON delivery (ended_at)
    WHERE ended_at IS NOT NULL;

-- One order without gaps. The salt goes with the payload when that is erased; the hashes stay.
CREATE TABLE journal (
    seq        INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    account    TEXT,
    action     TEXT NOT NULL,
    subject    TEXT NOT NULL,
    payload    TEXT,
    salt       BLOB,
    entry_hash BLOB NOT NULL,
    hash       BLOB NOT NULL,
    -- Which rows the change wrote that memory holds, by their ids; with its last entry only.
    touched    TEXT
) STRICT;

CREATE INDEX journal_account
    ON journal (account);
-- Entries that tell of erasures, by which those without a text are explained.
CREATE INDEX journal_erasures
    ON journal (seq)
    WHERE action IN ('journal.erased', 'member.erased');

-- The journal's end, always in one row: the greatest time seen, and the last entry.
CREATE TABLE head (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    seq    INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    hash   BLOB NOT NULL,
    -- Up to this entry all payloads were kept for long enough, and are erased.
    erased INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO head (one, seq, at, hash)
VALUES (1, 0, 0, zeroblob(32));

-- What tells the key file of this installation from any other.
CREATE TABLE key_check (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    fingerprint BLOB NOT NULL
) STRICT;

-- Lines for narrowings.log that are committed and not yet known to be in it, and those of the last change that
-- had any, by which it is known how far the file must reach: each with the byte at which it begins there.
CREATE TABLE narrowing (
    seq   INTEGER NOT NULL,
    part  INTEGER NOT NULL,
    place INTEGER NOT NULL,
    line  TEXT NOT NULL,
    PRIMARY KEY (seq, part)
) STRICT, WITHOUT ROWID;
