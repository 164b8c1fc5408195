-- The facts, the journal, and what is kept beside them.
--
-- The same tables and columns as SQLite's, but for `peer`, which SQLite has no use for, and its
-- `narrowing`, which is missing here. Text is compared by its bytes. Ids are text as people see it.
-- Times are microseconds since 1970, UTC. Documents (policy, roles, bindings, grants) are JSON in
-- text; a set of permissions in them is 64 hexadecimal digits. No state of a token is stored: it is
-- derived from its times and its surroundings.

CREATE TABLE account (
    id             TEXT COLLATE "C" PRIMARY KEY,
    name           TEXT COLLATE "C" NOT NULL,
    external_id    TEXT COLLATE "C",
    metadata       TEXT COLLATE "C",
    preset         TEXT COLLATE "C" NOT NULL,
    created_at     BIGINT NOT NULL,
    inactive_since BIGINT,
    policy         TEXT COLLATE "C" NOT NULL,
    levels         TEXT COLLATE "C" NOT NULL,
    entities       TEXT COLLATE "C" NOT NULL,
    roles          TEXT COLLATE "C" NOT NULL,
    -- The last number given to a token; outside the version, so that creating tokens does not
    -- make every other decision about the account a conflict.
    last_number    BIGINT NOT NULL DEFAULT 0,
    version        BIGINT NOT NULL
);

CREATE UNIQUE INDEX account_external_id
    ON account (external_id)
    WHERE external_id IS NOT NULL;

CREATE TABLE person (
    id         TEXT COLLATE "C" PRIMARY KEY,
    email      TEXT COLLATE "C" NOT NULL UNIQUE,
    password   TEXT COLLATE "C",
    -- One-time codes besides the password: since when, their secret sealed under a key that is not in this
    -- database, the step of the last code taken, and keyed digests of the recovery codes left, 32 bytes each.
    factor_since    BIGINT,
    factor_secret   BYTEA,
    factor_step     BIGINT,
    factor_recovery BYTEA,
    operator   BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    version    BIGINT NOT NULL
);

CREATE TABLE holder (
    account           TEXT COLLATE "C" NOT NULL REFERENCES account (id),
    id                TEXT COLLATE "C" NOT NULL,
    kind              TEXT COLLATE "C" GENERATED ALWAYS AS (substr(id, 1, 3)) STORED,
    name              TEXT COLLATE "C" NOT NULL,
    person            TEXT COLLATE "C" REFERENCES person (id),
    email             TEXT COLLATE "C",
    external_id       TEXT COLLATE "C",
    metadata          TEXT COLLATE "C",
    bindings          TEXT COLLATE "C" NOT NULL,
    -- The role bound at the root, again, for the guard that counts those who have it.
    role              TEXT COLLATE "C",
    inactive_since    BIGINT,
    approve_after     BIGINT,
    revoked_before    BIGINT,
    removed_at        BIGINT,
    tokens_deleted_at BIGINT,
    -- Whether notices are mailed to this one; as the policy says where nothing was chosen.
    mail              BIGINT CHECK (mail IN (0, 1)),
    created_at        BIGINT NOT NULL,
    version           BIGINT NOT NULL,
    PRIMARY KEY (account, id)
);

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
-- How a peer reads again what another one wrote.
CREATE INDEX holder_id
    ON holder (id);
CREATE INDEX holder_inactive
    ON holder (account, inactive_since)
    WHERE inactive_since IS NOT NULL;

CREATE TABLE node (
    account    TEXT COLLATE "C" NOT NULL REFERENCES account (id),
    path       TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    PRIMARY KEY (account, path)
);

CREATE TABLE installation (
    account    TEXT COLLATE "C" NOT NULL REFERENCES account (id),
    id         TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    nodes      TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    version    BIGINT NOT NULL,
    PRIMARY KEY (account, id)
);

-- Numbers rise within an account; only the digest and the code are found at random.
CREATE TABLE token (
    account     TEXT COLLATE "C" NOT NULL,
    number      BIGINT NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    kind        TEXT COLLATE "C" GENERATED ALWAYS AS (substr(id, 1, 3)) STORED,
    code        TEXT COLLATE "C" GENERATED ALWAYS AS (substr(id, 5)) STORED,
    holder      TEXT COLLATE "C" NOT NULL,
    issued_by   TEXT COLLATE "C" NOT NULL,
    name        TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C",
    metadata    TEXT COLLATE "C",
    granted     TEXT COLLATE "C" NOT NULL,
    role        TEXT COLLATE "C" GENERATED ALWAYS AS (granted::jsonb ->> 'role') STORED,
    node        TEXT COLLATE "C" NOT NULL,
    desk        BOOLEAN NOT NULL,
    created_at  BIGINT NOT NULL,
    not_before  BIGINT,
    expires_at  BIGINT,
    approved_at BIGINT,
    revoked_at  BIGINT,
    leaked_at   BIGINT,
    rotated_to  TEXT COLLATE "C",
    grace_until BIGINT,
    deleted_at  BIGINT,
    reason      TEXT COLLATE "C",
    digest      BYTEA NOT NULL CHECK (length(digest) = 32),
    -- Where the token may be used from; none for most.
    conditions  TEXT COLLATE "C",
    version     BIGINT NOT NULL,
    -- No foreign keys to holder: each would lock the holder's row again for every token. What inserts asks
    -- once for all of its tokens, and holders are never deleted.
    PRIMARY KEY (account, number)
);

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
    account TEXT COLLATE "C" NOT NULL,
    token   TEXT COLLATE "C" NOT NULL,
    nonce   BYTEA NOT NULL CHECK (length(nonce) = 24),
    text    BYTEA NOT NULL,
    PRIMARY KEY (token)
);

-- How a text of another make is found by what was imported of it: one row for each kind, length of
-- the prefix, and key of an HMAC, which is sealed under a key that is not in this database.
CREATE TABLE foreign_make (
    id     BIGINT PRIMARY KEY,
    kind   TEXT COLLATE "C" NOT NULL,
    prefix BIGINT,
    sealed BYTEA
);

-- What was imported of such texts. `mark` stands in the token's row until the first use brings the
-- text and with it our digest; the row stays, so that it is not imported again, without the hash.
CREATE TABLE foreign_key (
    mark        BYTEA PRIMARY KEY CHECK (length(mark) = 32),
    make        BIGINT NOT NULL,
    lookup      BYTEA NOT NULL,
    phc         TEXT COLLATE "C",
    account     TEXT COLLATE "C" NOT NULL,
    token       TEXT COLLATE "C" NOT NULL,
    replaced_at BIGINT
);

CREATE INDEX foreign_key_lookup
    ON foreign_key (make, lookup)
    WHERE replaced_at IS NULL;

CREATE TABLE service (
    id         TEXT COLLATE "C" PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL,
    scopes     TEXT COLLATE "C" NOT NULL,
    accounts   TEXT COLLATE "C",
    digest     BYTEA NOT NULL UNIQUE CHECK (length(digest) = 32),
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    version    BIGINT NOT NULL
);

-- The registry: bits are given out in order and never mean anything else.
CREATE TABLE permission (
    bit  BIGINT PRIMARY KEY CHECK (bit BETWEEN 0 AND 255),
    name TEXT COLLATE "C" NOT NULL UNIQUE
);

-- Use is counted apart from the tokens, so that no verification writes a token's row.
CREATE TABLE token_use (
    token   TEXT COLLATE "C" PRIMARY KEY,
    at      BIGINT NOT NULL,
    address TEXT COLLATE "C"
);

CREATE TABLE usage_day (
    token    TEXT COLLATE "C" NOT NULL,
    day      BIGINT NOT NULL,
    admitted BIGINT NOT NULL,
    refused  BIGINT NOT NULL,
    PRIMARY KEY (token, day)
);

CREATE TABLE usage_source (
    token    TEXT COLLATE "C" NOT NULL,
    day      BIGINT NOT NULL,
    source   TEXT COLLATE "C" NOT NULL CHECK (source IN ('address', 'service')),
    name     TEXT COLLATE "C" NOT NULL,
    admitted BIGINT NOT NULL,
    refused  BIGINT NOT NULL,
    PRIMARY KEY (token, day, source, name)
);

CREATE TABLE remembered (
    key     BYTEA PRIMARY KEY,
    request BYTEA NOT NULL,
    sealed  BYTEA NOT NULL,
    until   BIGINT NOT NULL
);

CREATE INDEX remembered_until
    ON remembered (until);

CREATE TABLE setup_link (
    hash  BYTEA PRIMARY KEY,
    until BIGINT NOT NULL
);

-- Links that let a member in, once. Of a hand-off they name the service that asked for it and the page
-- that it leads to; of a way to another password whose it is; one with neither is an invitation.
CREATE TABLE link (
    hash    BYTEA PRIMARY KEY CHECK (length(hash) = 32),
    account TEXT COLLATE "C" NOT NULL,
    member  TEXT COLLATE "C" NOT NULL,
    service TEXT COLLATE "C",
    place   TEXT COLLATE "C",
    person  TEXT COLLATE "C",
    until   BIGINT NOT NULL
);

CREATE INDEX link_member
    ON link (account, member);
CREATE INDEX link_person
    ON link (person)
    WHERE person IS NOT NULL;

-- Mails. Who is written to, and what about, is said by ids alone: addresses and names are read when it is
-- sent. `next_at` is when somebody may begin to send it, or may again; none once it is done with.
CREATE TABLE letter (
    id        TEXT COLLATE "C" PRIMARY KEY,
    account   TEXT COLLATE "C" NOT NULL,
    member    TEXT COLLATE "C" NOT NULL,
    topic     TEXT COLLATE "C" NOT NULL,
    queued_at BIGINT NOT NULL,
    next_at   BIGINT,
    tries     BIGINT NOT NULL,
    outcome   TEXT COLLATE "C" CHECK (outcome IN ('begun', 'sent', 'dropped', 'given_up')),
    ended_at  BIGINT,
    version   BIGINT NOT NULL
);

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
    account TEXT COLLATE "C" NOT NULL,
    member  TEXT COLLATE "C" NOT NULL,
    topic   TEXT COLLATE "C" NOT NULL,
    token   TEXT COLLATE "C" NOT NULL,
    at      BIGINT NOT NULL,
    actor   TEXT COLLATE "C",
    letter  TEXT COLLATE "C",
    PRIMARY KEY (account, member, topic, token, at)
);

CREATE INDEX matter_letter
    ON matter (letter)
    WHERE letter IS NOT NULL;

-- Which ends were told to whom, and by which letter; each once. It stays until the end is long past, so that
-- neither a restart nor a clock that went back tells it again.
CREATE TABLE notice (
    token   TEXT COLLATE "C" NOT NULL,
    ends_at BIGINT NOT NULL,
    member  TEXT COLLATE "C" NOT NULL,
    days    BIGINT NOT NULL,
    account TEXT COLLATE "C" NOT NULL,
    letter  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (token, ends_at, member, days)
);

CREATE INDEX notice_letter
    ON notice (letter);
CREATE INDEX notice_ends
    ON notice (ends_at);

-- Programs that are told what an account's journal says, each from its place in it on (`through`). The secrets
-- that sign are sealed, bound to account and webhook, under a key that is not in this database. How it
-- fares (`through` to `missed`) is outside the version, which is for those who edit it.
CREATE TABLE webhook (
    account       TEXT COLLATE "C" NOT NULL REFERENCES account (id),
    id            TEXT COLLATE "C" NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    url           TEXT COLLATE "C" NOT NULL,
    actions       TEXT COLLATE "C" NOT NULL,
    enabled       BOOLEAN NOT NULL,
    nonce         BYTEA NOT NULL CHECK (length(nonce) = 24),
    secret        BYTEA NOT NULL,
    older_nonce   BYTEA,
    older_secret  BYTEA,
    older_until   BIGINT,
    created_at    BIGINT NOT NULL,
    through       BIGINT NOT NULL,
    failing_since BIGINT,
    paused_until  BIGINT,
    missed        BIGINT NOT NULL,
    version       BIGINT NOT NULL,
    PRIMARY KEY (account, id)
);

-- What was taken from the journal for a webhook, until some time after it is done with. It has no text of its
-- own: that is read from the journal when it is sent. `next_at` is when somebody may begin to send it, or
-- may again; none where an earlier one about the same subject is not done with, and once it is done with.
CREATE TABLE delivery (
    webhook  TEXT COLLATE "C" NOT NULL,
    seq      BIGINT NOT NULL,
    account  TEXT COLLATE "C" NOT NULL,
    action   TEXT COLLATE "C" NOT NULL,
    subject  TEXT COLLATE "C" NOT NULL,
    since    BIGINT NOT NULL,
    next_at  BIGINT,
    tries    BIGINT NOT NULL,
    fate     TEXT COLLATE "C" NOT NULL CHECK (fate IN ('waiting', 'due', 'begun', 'delivered', 'given_up')),
    status   BIGINT,
    trouble  TEXT COLLATE "C",
    ended_at BIGINT,
    version  BIGINT NOT NULL,
    PRIMARY KEY (webhook, seq)
);

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
    seq        BIGINT PRIMARY KEY,
    at         BIGINT NOT NULL,
    actor      TEXT COLLATE "C" NOT NULL,
    account    TEXT COLLATE "C",
    action     TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    payload    TEXT COLLATE "C",
    salt       BYTEA,
    entry_hash BYTEA NOT NULL,
    hash       BYTEA NOT NULL,
    -- Which rows the change wrote that memory holds, by their ids; with its last entry only.
    touched    TEXT COLLATE "C"
);

CREATE INDEX journal_account
    ON journal (account, seq);
-- Entries that tell of erasures, by which those without a text are explained.
CREATE INDEX journal_erasures
    ON journal (seq)
    WHERE action IN ('journal.erased', 'member.erased');

-- The journal's end, always in one row: the greatest time seen, and the last entry.
CREATE TABLE head (
    one    BIGINT PRIMARY KEY CHECK (one = 1),
    seq    BIGINT NOT NULL,
    at     BIGINT NOT NULL,
    hash   BYTEA NOT NULL,
    -- Up to this entry all payloads were kept for long enough, and are erased.
    erased BIGINT NOT NULL DEFAULT 0
);

INSERT INTO head (one, seq, at, hash)
VALUES (1, 0, 0, decode(repeat('00', 32), 'hex'));

-- What tells the key file of this installation from any other.
CREATE TABLE key_check (
    one         BIGINT PRIMARY KEY CHECK (one = 1),
    fingerprint BYTEA NOT NULL
);

-- The processes that serve from this database: how far each has applied the journal, and when it
-- last said so (by this database's clock). A process that was away too long joins anew, in another
-- incarnation. A logged table: a write to it shows that the primary still is one.
CREATE TABLE peer (
    id          TEXT COLLATE "C" PRIMARY KEY,
    incarnation BIGINT NOT NULL,
    applied     BIGINT NOT NULL,
    beat        BIGINT NOT NULL,
    -- The last step of the schema that its program knows.
    known       BIGINT NOT NULL
);
