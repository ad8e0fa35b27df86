-- One statement a table; n runs from {first} to {last} of {total} shipments, the last {open} of which are with the post.
INSERT INTO items (id, code, name, release, grouping, carriage, payer, published_trips, hide_title)
SELECT pg_temp.id(31, k), 'fill-' || k, '事项' || k, 'at_once', '0', 'postal_only', '免费', 0, false
FROM generate_series(0, 19) AS k ON CONFLICT DO NOTHING;

INSERT INTO matters (id, number)
SELECT pg_temp.id(1, n), 'FILL-' || n FROM generate_series({first}, {last}) AS n;

INSERT INTO cases (id, case_no, matter_id, item_id, department, decided_at, applicant_kind, applicant_name,
                   applicant_id_no, applicant_id_digest, content, source, received_at, paper_ready_at)
SELECT pg_temp.id(2, n), 'FILL-' || n, pg_temp.id(1, n), pg_temp.id(31, n % 20), '县市场监督管理局',
       pg_temp.at(n, {total}), 'person', pg_temp.sealed(48), pg_temp.sealed(56), pg_temp.key('person', n % 400000),
       jsonb_build_object('slip.detail', d, 'slip.phone', d, 'slip.recipient_name', d, 'slip.town', d, 'item_name', d,
                          'applicant_name', d, 'case_no', d, 'decided_at', d, 'department', d, 'slip.county', d),
       'fill', pg_temp.at(n, {total}), pg_temp.at(n, {total})
FROM generate_series({first}, {last}) AS n, LATERAL (SELECT md5(n::text) AS d) AS digest;

INSERT INTO slips (id, case_id, recipient_name, organisation, phone, province, city, county, town, detail, postcode,
                   way, point_at_address, brought_to_door, proxy_allowed, group_digest)
SELECT pg_temp.id(3, n), pg_temp.id(2, n), pg_temp.sealed(48), false, pg_temp.sealed(48), '浙江省', '丽水市',
       '景宁畲族自治县', '红星街道', pg_temp.sealed(80), '', 'door', false, false, false, pg_temp.key('group', n)
FROM generate_series({first}, {last}) AS n;

INSERT INTO documents (id, case_id, number, code, name, copies)
SELECT pg_temp.id(4, n), pg_temp.id(2, n), 1, 'FILL-' || n || '-1', '食品经营许可证', 1
FROM generate_series({first}, {last}) AS n;

INSERT INTO legs (id, case_id, direction)
SELECT pg_temp.id(5, n), pg_temp.id(2, n), 'outbound' FROM generate_series({first}, {last}) AS n;

INSERT INTO visits (id, matter_id, case_id, kind, trip, origin, recorded_at)
SELECT pg_temp.id(6, n), pg_temp.id(1, n), pg_temp.id(2, n), 'online', o, o, pg_temp.at(n, {total})
FROM generate_series({first}, {last}) AS n, LATERAL (SELECT 'case:' || pg_temp.id(2, n) || ':0' AS o) AS origin;

INSERT INTO shipments (id, direction, slip_id, group_digest, carrier, sequence, order_no, stage, tracked, signer,
                       last_news, moved_at, overdue_asked, created_at, seal_at, doubts, absences, intended_at, prints)
SELECT pg_temp.id(7, n), 'outbound', pg_temp.id(3, n), pg_temp.key('envelope', n), 'ems', 1, 'ZDFILL' || n,
       CASE WHEN under_way THEN 'handed_over' ELSE 'closed' END, CASE WHEN under_way THEN 'in_transit' ELSE 'delivered' END,
       CASE WHEN under_way THEN NULL ELSE 'self' END, '704',
       CASE WHEN under_way THEN now() - interval '1 hour' * (n % 10) ELSE pg_temp.at(n, {total}, 30) END, false,
       pg_temp.at(n, {total}), pg_temp.at(n, {total}), 0, 0, pg_temp.at(n, {total}), 1
FROM generate_series({first}, {last}) AS n, LATERAL (SELECT n > {total} - {open} AS under_way) AS state;

INSERT INTO contents (id, shipment_id, document_id, scanned_at, void)
SELECT pg_temp.id(8, n), pg_temp.id(7, n), pg_temp.id(4, n), pg_temp.at(n, {total}, 3), false
FROM generate_series({first}, {last}) AS n;

INSERT INTO waybills (id, shipment_id, carrier, number, sorting_code, adopted_from, adopted_at, token, token_digest)
SELECT pg_temp.id(9, n), pg_temp.id(7, n), 'ems', '114' || lpad(n::text, 10, '0'), '', 'answer', pg_temp.at(n, {total}, 1),
       pg_temp.sealed(70), pg_temp.key('token', n)
FROM generate_series({first}, {last}) AS n;

INSERT INTO carrier_calls (id, shipment_id, carrier, operation, intended_at, request, answered_at, status, answer, outcome)
SELECT pg_temp.id(10, n), pg_temp.id(7, n), 'ems', 'book', pg_temp.at(n, {total}, 1), pg_temp.sealed(400),
       pg_temp.at(n, {total}, 1), 200, pg_temp.sealed(200), 'Booked'
FROM generate_series({first}, {last}) AS n;

INSERT INTO moves (id, shipment_id, at, cause, before, after, by)
SELECT pg_temp.id(11, n * 16 + k), pg_temp.id(7, n), pg_temp.at(n, {total}, hours), cause, before, after, 'fill'
FROM generate_series({first}, {last}) AS n, (VALUES
    (1, 'act:seal', 'gathering', 'to_book', 0.5), (2, 'act:intend', 'to_book', 'booking', 0.6),
    (3, 'act:adopt', 'booking', 'booked', 0.6), (4, 'act:print', 'booked', 'printed', 2),
    (5, 'act:pack', 'printed', 'packed', 3), (6, 'act:hand_over', 'packed', 'handed_over', 5),
    (7, 'news:203', 'handed_over', 'in_transit', 6), (8, 'news:704', 'in_transit', 'delivered', 30),
    (9, 'act:close', 'delivered', 'closed', 30.1)) AS road (k, cause, before, after, hours)
WHERE k < 8 OR n <= {total} - {open};

INSERT INTO sightings (id, shipment_id, carrier, waybill_no, order_no, at, code, detail, news, signer, voids,
                       wants_detail, words, place, source, pushed, new_number, received_at, digest)
SELECT pg_temp.id(12, n * 16 + k), pg_temp.id(7, n), 'ems', '114' || lpad(n::text, 10, '0'), '',
       pg_temp.at(n, {total}, hours), code, CASE WHEN k = 5 THEN '10' ELSE '' END, news,
       CASE WHEN k = 5 THEN 'self' END, '{}', false, pg_temp.sealed(90), pg_temp.sealed(60), 'push', true, '',
       pg_temp.at(n, {total}, hours), pg_temp.key('sighting', n * 16 + k)
FROM generate_series({first}, {last}) AS n, (VALUES
    (1, '203', 'collected', 6), (2, '389', 'in_transit', 9), (3, '713', 'at_office', 20),
    (4, '702', 'out_for_delivery', 26), (5, '704', 'delivered', 30)) AS story (k, code, news, hours)
WHERE k < 3 OR n <= {total} - {open};

INSERT INTO pushes (id, carrier, digest, raw, body, source, received_at, times, read_at)
SELECT pg_temp.id(13, n * 16 + k), 'ems', pg_temp.key('push', n * 16 + k), pg_temp.sealed(240), pg_temp.sealed(120),
       '10.0.0.1', pg_temp.at(n, {total}, 6 * k), 1, pg_temp.at(n, {total}, 6 * k)
FROM generate_series({first}, {last}) AS n, generate_series(1, 5) AS k
WHERE k < 3 OR n <= {total} - {open};

INSERT INTO jobs (id, name, subject, next_at, attempts, asked, created_at, done_at)
SELECT pg_temp.id(14, n * 16 + k), name, 'shipment:' || pg_temp.id(7, n), pg_temp.at(n, {total}, k), 1, 1,
       pg_temp.at(n, {total}, k), pg_temp.at(n, {total}, k)
FROM generate_series(greatest({first}, {total} - {jobs_of}), {last}) AS n, (VALUES
    (1, 'case.gather'), (2, 'case.watch'), (3, 'shipment.seal'), (4, 'shipment.book@ems'), (5, 'shipment.follow'),
    (6, 'shipment.weigh'), (7, 'shipment.watch'), (8, 'push.read'), (9, 'push.read'), (10, 'push.read'),
    (11, 'push.read'), (12, 'push.read')) AS kinds (k, name);

INSERT INTO jobs (id, name, subject, next_at, attempts, asked)
SELECT pg_temp.id(15, n), 'shipment.watch', 'shipment:' || pg_temp.id(7, n), now() + interval '1 hour' * (24 + n % 48), 0, 1
FROM generate_series({total} - {open} + 1, {last}) AS n;

INSERT INTO job_failures (id, job_id, attempt, at, words)
SELECT pg_temp.id(16, n), pg_temp.id(14, n * 16 + 4), 1, pg_temp.at(n, {total}, 4), pg_temp.sealed(90)
FROM generate_series(greatest({first}, {total} - {jobs_of}), {last}) AS n WHERE n % 50 = 0;

INSERT INTO worklist (id, reason, subject, cause, detail, opened_at, settled_at, settled_by)
SELECT pg_temp.id(17, n), (ARRAY['stalled', 'signer_unknown', 'address_unclear', 'not_fetched'])[1 + n % 4],
       'shipment:' || pg_temp.id(7, n), '702:' || n, pg_temp.sealed(90), pg_temp.at(n, {total}, 26),
       CASE WHEN n <= {total} - {open} THEN pg_temp.at(n, {total}, 30) END,
       CASE WHEN n <= {total} - {open} THEN 'system' END
FROM generate_series({first}, {last}) AS n WHERE n % 10 < 3;

INSERT INTO leg_evidence (id, leg_id, shipment_id, evidence, happened_at, recorded_at)
SELECT pg_temp.id(18, n), pg_temp.id(5, n), pg_temp.id(7, n), 'signed_by_recipient', pg_temp.at(n, {total}, 30),
       pg_temp.at(n, {total}, 30)
FROM generate_series({first}, {last} - {open}) AS n;

INSERT INTO closures (id, case_id, closed_at)
SELECT pg_temp.id(19, n), pg_temp.id(2, n), pg_temp.at(n, {total}, 30)
FROM generate_series({first}, {last} - {open}) AS n;

INSERT INTO hand_overs (id, number, carrier, made_at, made_by)
SELECT pg_temp.id(20, n / 50), 'FILL-' || n / 50, 'ems', pg_temp.at(n, {total}, 5), 'fill'
FROM generate_series({first} - 1, {last}, 50) AS n;

INSERT INTO hand_over_lines (id, hand_over_id, shipment_id)
SELECT pg_temp.id(21, n), pg_temp.id(20, n / 50), pg_temp.id(7, n) FROM generate_series({first}, {last}) AS n;

INSERT INTO reveals (id, subject, by, reason, at)
SELECT pg_temp.id(22, n), 'case:' || pg_temp.id(2, n), 'fill', '电话核实', pg_temp.at(n, {total}, 40)
FROM generate_series({first}, {last}) AS n WHERE n % 100 = 0;

INSERT INTO holds (id, case_id, reason, opened_at, opened_by, lifted_at, lifted_by)
SELECT pg_temp.id(23, n), pg_temp.id(2, n), pg_temp.sealed(60), pg_temp.at(n, {total}), 'fill', pg_temp.at(n, {total}, 1), 'fill'
FROM generate_series({first}, {last}) AS n WHERE n % 100 = 1;

INSERT INTO paper_issues (id, case_id, originals, copies, given_by, taken_by, taken_at)
SELECT pg_temp.id(24, n), pg_temp.id(2, n), 1, 0, pg_temp.sealed(40), 'fill', pg_temp.at(n, {total}, 1)
FROM generate_series({first}, {last}) AS n;

INSERT INTO batches (id, kind, made_by, made_at, ended_at)
SELECT pg_temp.id(25, n / 50), 'print', 'fill', pg_temp.at(n, {total}, 2), pg_temp.at(n, {total}, 2)
FROM generate_series({first} - 1, {last}, 50) AS n;

INSERT INTO print_runs (id, batch_id, size, came_out, answered_by, answered_at)
SELECT pg_temp.id(26, n / 50), pg_temp.id(25, n / 50), '100x150', 50, 'fill', pg_temp.at(n, {total}, 2)
FROM generate_series({first} - 1, {last}, 50) AS n;

INSERT INTO batch_items (id, batch_id, place, of, outcome, words, at, waybill_id, copy)
SELECT pg_temp.id(27, n), pg_temp.id(25, n / 50), n % 50 + 1, pg_temp.id(7, n), 'done', '', pg_temp.at(n, {total}, 2),
       pg_temp.id(9, n), 0
FROM generate_series({first}, {last}) AS n;

INSERT INTO collections (id, carrier, round_at, opened_at, opened_by, closed_at, closed_by, number)
SELECT pg_temp.id(28, n / 50), 'ems', pg_temp.at(n, {total}, 5), pg_temp.at(n, {total}, 4), 'fill',
       pg_temp.at(n, {total}, 5), 'fill', 'FILL-' || n / 50
FROM generate_series({first} - 1, {last}, 50) AS n;

INSERT INTO collection_scans (id, collection_id, shipment_id, at, by)
SELECT pg_temp.id(29, n), pg_temp.id(28, n / 50), pg_temp.id(7, n), pg_temp.at(n, {total}, 5), 'fill'
FROM generate_series({first}, {last}) AS n;

INSERT INTO telephone_calls (id, case_id, at, by, number, reached, result, slip_changes)
SELECT pg_temp.id(30, n), pg_temp.id(2, n), pg_temp.at(n, {total}, 20), 'fill', pg_temp.sealed(48), true,
       pg_temp.sealed(60), false
FROM generate_series({first}, {last}) AS n WHERE n % 20 = 2;

INSERT INTO slip_changes (id, case_id, at, by, fields)
SELECT pg_temp.id(32, n), pg_temp.id(2, n), pg_temp.at(n, {total}, 20), 'fill', '["detail"]'
FROM generate_series({first}, {last}) AS n WHERE n % 20 = 2;

INSERT INTO pickups (id, case_id, asked_at, asked_by, given_at, given_by, delegate, originals, copies, kind, on_paper)
SELECT pg_temp.id(33, n), pg_temp.id(2, n), pg_temp.at(n, {total}, 10), 'fill', pg_temp.at(n, {total}, 20), 'fill', false,
       1, 0, 'collected_at_hall', true
FROM generate_series({first}, {last} - {open}) AS n WHERE n % 100 = 3;

-- Before the chain's first entry, which is number one: what is noted on the filled database begins a chain of its own.
INSERT INTO audit_log (id, seq, at, by, deed, subject, detail, detail_digest, previous, digest)
SELECT pg_temp.id(34, n * 4 + k), n * 4 + k - 4 * ({total} + 1), pg_temp.at(n, {total}, k), 'clerk' || n % 12, deed,
       CASE WHEN k < 3 THEN 'shipment:' || pg_temp.id(7, n) ELSE 'case:' || pg_temp.id(2, n) END, pg_temp.sealed(60),
       pg_temp.key('detail', n * 4 + k), pg_temp.key('entry', n * 4 + k - 1), pg_temp.key('entry', n * 4 + k)
FROM generate_series({first}, {last}) AS n, (VALUES (0, 'print'), (1, 'change'), (2, 'change'), (3, 'reveal')) AS deeds (k, deed)
WHERE k < 3 OR n % 20 = 0;

INSERT INTO testimonies (id, matter_id, case_id, at, by, way, office_trips, trips, counted_office_trips, counted_trips, heard)
SELECT pg_temp.id(35, n), pg_temp.id(1, n), pg_temp.id(2, n), pg_temp.at(n, {total}, 50), 'fill', 'sample', n % 200 / 100,
       n % 200 / 100, 0, 0, n % 400 < 200
FROM generate_series({first}, {last}) AS n WHERE n % 100 = 2;

INSERT INTO trip_rulings (id, matter_id, case_id, at, by, office_trips, trips, counted_office_trips, counted_trips)
SELECT pg_temp.id(36, n), pg_temp.id(1, n), pg_temp.id(2, n), pg_temp.at(n, {total}, 60), 'fill', 0, 0, 0, 0
FROM generate_series({first}, {last}) AS n WHERE n % 100 = 2 AND n % 400 < 200;

INSERT INTO matter_trips (id, matter_id, office_trips, trips, differs_since)
SELECT pg_temp.id(37, n), pg_temp.id(1, n), n % 200 / 100, n % 200 / 100,
       CASE WHEN n % 400 >= 300 AND n > {total} - {open} THEN pg_temp.at(n, {total}, 50) END
FROM generate_series({first}, {last}) AS n WHERE n % 100 = 2;
