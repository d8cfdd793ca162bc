-- The role with which lotline-manufacturing runs on PostgreSQL. Run this file as the owner of the tables, in the database
-- of the store, after the service was started there once by the owner and has made its tables; and again after each update
-- that brings new tables. From then on the service runs as lotline_service: it can add evidence, and neither change nor
-- remove any, whatever the triggers say. Give the role a password where the server asks for one:
--     ALTER ROLE lotline_service PASSWORD '…'

DO $$ BEGIN CREATE ROLE lotline_service LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO lotline_service;

-- Projections and states: made anew from the evidence at any time.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO lotline_service;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO lotline_service;

-- Evidence: only ever more of it.
REVOKE UPDATE, DELETE, TRUNCATE ON record, segment, conflict, rejection, series, migrated FROM lotline_service;
