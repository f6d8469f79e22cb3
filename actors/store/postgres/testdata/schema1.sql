-- Tables and records as the program of schema version 1 made them.
CREATE TABLE leasehold_schema (one INT PRIMARY KEY CHECK (one = 1), version INT NOT NULL);
INSERT INTO leasehold_schema (one, version) VALUES (1, 1);
CREATE TABLE leasehold_fence (
	actor TEXT PRIMARY KEY,
	token BIGINT NOT NULL,
	saves BIGINT NOT NULL,
	holder TEXT NOT NULL,
	expires TIMESTAMPTZ NOT NULL
);
CREATE TABLE leasehold_record (
	actor TEXT NOT NULL,
	key BYTEA NOT NULL,
	data BYTEA NOT NULL,
	PRIMARY KEY (actor, key)
);
INSERT INTO leasehold_fence (actor, token, saves, holder, expires) VALUES
	('broker', 3, 17, 'host pid 1 AAAAAAAA', '2026-11-01 12:00:00Z'),
	('site', 12, 4, 'host pid 1 AAAAAAAA', '2026-11-01 12:00:00Z');
INSERT INTO leasehold_record (actor, key, data) VALUES
	('broker', 'ticket/1', 'a right'),
	('site', 'host/node01', '{"name":"node01"}'),
	('site', 'reservation/4f0c', ''),
	('site', '\x7265736572766174696f6e2fff00', 'octets');
