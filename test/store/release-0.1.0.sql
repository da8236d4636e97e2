-- What countersign 0.1.0 makes of an empty file.
CREATE TABLE "kysely_migration" ("name" varchar(255) not null primary key, "timestamp" varchar(255) not null);
CREATE TABLE "kysely_migration_lock" ("id" varchar(255) not null primary key, "is_locked" integer default 0 not null);
CREATE TABLE "customers" ("customer_id" text primary key, "display_name" text not null, "status" text not null check (status in ('enabled', 'disabled')), "created_at" bigint not null);
CREATE TABLE "customer_keys" ("key_id" text primary key, "customer_id" text not null references "customers" ("customer_id"), "purpose" text not null check (purpose in ('login', 'derivation')), "sealed_secret" blob not null, "not_before" bigint not null, "expires_at" bigint, "created_at" bigint not null);
CREATE INDEX "customer_keys_by_customer" on "customer_keys" ("customer_id", "purpose");
CREATE TABLE "devices" ("device_key" text primary key, "customer_id" text not null references "customers" ("customer_id"), "display_name" text not null, "status" text not null check (status in ('enabled', 'disabled')), "key_mode" text not null check (key_mode in ('shared', 'derived')), "shared_identity" integer not null, "replay_guard" integer not null, "created_at" bigint not null);
CREATE TABLE "signing_keys" ("kid" text primary key, "alg" text not null, "state" text not null check (state in ('next', 'active', 'retired', 'revoked')), "sealed_private_key" blob not null, "public_jwk" text not null, "created_at" bigint not null);
CREATE UNIQUE INDEX "one_active_signing_key" on "signing_keys" ("state") where "state" = 'active';
INSERT INTO "kysely_migration" VALUES ('0001_registry', '2026-11-25T01:07:57.105Z');
INSERT INTO "kysely_migration_lock" VALUES ('migration_lock', 0);
