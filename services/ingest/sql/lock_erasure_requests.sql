-- Whoever asks for an erasure next waits until the transaction ends. No parameters.
SELECT pg_advisory_xact_lock(hashtextextended('personal.erasure', 0))
