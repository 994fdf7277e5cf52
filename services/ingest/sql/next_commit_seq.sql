-- No parameters. Only under the lock of take_commit_lock.
SELECT nextval('raw.commit_seq')
