-- Offsets read on a day against messages recorded: of each partition, and in total. Gaps of the stream explain offsets
-- that were not there to be read. $1 start of the day. Index: batch_committed.
WITH part AS (
    SELECT b.commit_seq, b.topic, p.partition, p.first_offset, p.last_offset,
           lag(p.last_offset) OVER (PARTITION BY b.topic, p.partition ORDER BY b.commit_seq) AS offset_before
    FROM raw.batch b
    CROSS JOIN LATERAL unnest(b.partitions, b.first_offsets, b.last_offsets) AS p (partition, first_offset, last_offset)
    WHERE b.source = 'kafka' AND b.committed_at >= $1 AND b.committed_at < $1 + interval '1 day'
), partition_day AS (
    SELECT topic, partition, min(first_offset) AS first_offset, max(last_offset) AS last_offset,
           sum(last_offset - CASE WHEN offset_before < first_offset THEN offset_before ELSE first_offset - 1 END) AS passed,
           sum(last_offset - first_offset + 1) AS recorded
    FROM part
    GROUP BY topic, partition
), counted AS (
    SELECT p.topic || '/' || p.partition AS subject, p.passed AS source_count, p.recorded AS repository_count,
           (SELECT coalesce(sum(g.to_offset - g.from_offset), 0) FROM quality.stream_gaps() g
            WHERE g.topic = p.topic AND g.partition = p.partition AND g.from_offset >= p.first_offset
              AND g.from_offset <= p.last_offset) AS missing
    FROM partition_day p
    UNION ALL
    SELECT 'messages', coalesce((SELECT sum(recorded) FROM partition_day), 0),
           (SELECT coalesce(sum(messages), 0) FROM raw.batch
            WHERE source = 'kafka' AND committed_at >= $1 AND committed_at < $1 + interval '1 day'), 0
)
SELECT quality.record_reconciliation(
    ($1 AT TIME ZONE 'UTC')::date, 'kafka', subject, source_count, repository_count, source_count - repository_count,
    missing, CASE WHEN missing > 0 THEN missing || ' offsets are in raw.stream_gap' END)
FROM counted
