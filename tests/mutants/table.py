"""What is taken out of the service, one piece at a time, and the tests that must notice it.

Each text stands exactly once in its file (`tests/house/test_mutants.py`), or the table would rot unseen.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """`instead` takes the place of `text` in this file of the checkout."""

    file: str
    text: str
    instead: str


@dataclass(frozen=True)
class Mutant:
    """`name` says what is taken out; of `tests` (pytest's node ids) one at least must fail by an assertion."""

    name: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]


def _in(file: str, test: str) -> str:
    """A test's node id: `file` below `tests`."""
    return f"tests/{file}.py::test_{test}"


FIRST_MIGRATION = "alembic/versions/0001_the_road.py"
ORDER_AGAIN = """act(world, session, shipment, Act.POSTPONE)
{0}jobs.leave(session, BOOK, shipment.subject, lane=shipment.carrier)"""

NOTHING_TWICE = (
    Mutant(
        "one live waybill of a shipment: the unique index",
        (
            Edit(
                "dispatch/waybill.py",
                'Index("uq_waybills_live_shipment", "shipment_id", unique=True,',
                'Index("uq_waybills_live_shipment", "shipment_id", unique=False,',
            ),
            Edit(
                FIRST_MIGRATION,
                '        ["shipment_id"],\n        unique=True,\n',
                '        ["shipment_id"],\n        unique=False,\n',
            ),
        ),
        (_in("rooms/test_guards", "a_second_live_waybill_of_a_shipment_is_refused_by_the_database_itself"),),
    ),
    Mutant(
        "one live number of a carrier: the unique index",
        (
            Edit(
                "dispatch/waybill.py",
                '            "number",\n            unique=True,\n',
                '            "number",\n            unique=False,\n',
            ),
            Edit(
                "alembic/versions/0003_numbers_rest.py",
                "        unique=True,\n        postgresql_where=sa.text(where),",
                "        unique=False,\n        postgresql_where=sa.text(where),",
            ),
        ),
        (
            _in(
                "rooms/test_guards",
                "a_number_that_is_live_on_one_shipment_is_refused_on_another_by_the_database_itself",
            ),
        ),
    ),
    Mutant(
        "one live envelope of a document: the unique index",
        (
            Edit(
                "dispatch/shipment.py",
                'Index("uq_contents_live", "document_id", unique=True,',
                'Index("uq_contents_live", "document_id", unique=False,',
            ),
            Edit(
                FIRST_MIGRATION,
                '"uq_contents_live", "contents", ["document_id"], unique=True,',
                '"uq_contents_live", "contents", ["document_id"], unique=False,',
            ),
        ),
        (_in("rooms/test_guards", "a_document_in_a_second_live_envelope_is_refused_by_the_database_itself"),),
    ),
    Mutant(
        "another case under a known number is a conflict",
        (
            Edit(
                "dispatch/approval/lodge.py",
                "if differs := _differs(known.content, case.content):",
                "if differs := _differs(case.content, case.content):",
            ),
        ),
        (_in("doors/test_cases", "other_content_under_the_same_number_is_a_conflict_that_names_what_differs"),),
    ),
    Mutant(
        "a carrier that does not cancel is believed",
        (
            Edit(
                "dispatch/booking/cancel.py",
                "        _keep(world, session, shipment)\n",
                "        _voided(world, session, shipment, shipment.carrier)\n",
            ),
        ),
        (_in("rooms/test_cancel", "a_collected_letter_keeps_its_number_and_a_person_is_told"),),
    ),
)

IN_DOUBT = (
    Mutant(
        "a call without a clear answer is doubt",
        (
            Edit(
                "dispatch/booking/book.py",
                "_doubt(world, session, shipment, known=isinstance(heard.error, Duplicate))",
                ORDER_AGAIN.format(" " * 8),
            ),
        ),
        (
            _in(
                "rooms/test_booking", "an_account_whose_repetitions_are_unconfirmed_repeats_nothing_and_asks_a_person"
            ),
        ),
    ),
    Mutant(
        "a call whose speaker died is doubt",
        (
            Edit(
                "dispatch/booking/book.py",
                "        if shipment.stage == Stage.BOOKING and ours:\n            _doubt(world, session, shipment)",
                f"        if shipment.stage == Stage.BOOKING and ours:\n            {ORDER_AGAIN.format(' ' * 12)}",
            ),
        ),
        (
            _in(
                "rooms/test_booking",
                "killed_between_intent_and_call_the_order_is_repeated_under_its_number_and_placed_once",
            ),
        ),
    ),
    Mutant(
        "absent is believed only after misses in a row, and once the carrier's books have settled",
        (
            Edit(
                "dispatch/booking/doubt.py",
                "return shipment.absences + 1 >= world.settings.absences and age > settled",
                "return age >= min(age, settled)",
            ),
        ),
        (
            _in(
                "rooms/test_look_up",
                "before_the_carrier_has_settled_its_books_an_absent_order_is_not_believed_absent",
            ),
        ),
    ),
    Mutant(
        "what may be booked is given to no other carrier",
        (
            Edit(
                "dispatch/booking/cancel.py",
                "if shipment.stage != Stage.TO_BOOK or shipment.perhaps_placed:",
                "if shipment.perhaps_placed:",
            ),
        ),
        (_in("rooms/test_routes", "what_may_be_booked_already_is_never_given_to_another_carrier"),),
    ),
    Mutant(
        "who is woken while it works is not put off",
        (Edit("dispatch/jobs.py", '"asked": Job.asked + 1}', '"asked": Job.asked}'),),
        (
            _in("house/test_jobs", "who_is_woken_while_it_works_is_not_put_off"),
            _in(
                "rooms/test_reconcile",
                "what_is_held_back_at_the_moment_in_which_the_mode_ends_does_not_sleep_on",
            ),
        ),
    ),
    Mutant(
        "after a promotion nothing is intended, noticed or not",
        (Edit("dispatch/restored.py", "if promoted or any(", "if any("),),
        (_in("faults/test_promoted", "before_the_clock_has_noticed_it_nobody_orders_anything_either"),),
    ),
    Mutant(
        "after a restore nothing is intended before it is reconciled",
        (
            Edit(
                "dispatch/restored.py",
                "    if promoted or any(one.reconciled_at is None for one in known):\n"
                "        raise HeldBackError(WORDS)\n",
                "",
            ),
        ),
        (
            _in(
                "rooms/test_reconcile",
                "in_the_mode_cases_and_pushes_are_taken_and_nothing_is_grouped_booked_or_cancelled",
            ),
        ),
    ),
)

JOBS_AND_CLOCK = (
    Mutant(
        "the fencing check on a job's outcome",
        (
            Edit(
                "dispatch/lease.py",
                ".where(Job.id == self.id, Job.token == self.token)",
                ".where(Job.id == self.id)",
            ),
            Edit(
                "dispatch/lease.py",
                "WHERE jobs.id = mine.id AND jobs.token = mine.token",
                "WHERE jobs.id = mine.id",
            ),
        ),
        (
            _in(
                "house/test_jobs",
                "after_its_lease_another_worker_has_it_and_the_first_ones_outcome_is_rolled_back_whole",
            ),
            _in("house/test_jobs", "a_frozen_workers_outcome_is_refused_after_the_job_was_done_by_another"),
        ),
    ),
    Mutant(
        "the clock's ring for whatever is due",
        (
            Edit(
                "workers/clock.py",
                "world.bell.ring(_bells([name for name in names if lane_of(name) not in stranded]))",
                "_bells([name for name in names if lane_of(name) not in stranded])",
            ),
        ),
        (_in("house/test_jobs", "a_tick_rings_for_everything_due_and_its_next_is_never_later_than_its_rhythm"),),
    ),
    Mutant(
        "a lease that has ended makes its job due again",
        (
            Edit(
                "dispatch/jobs.py",
                "    free = or_(Job.lease_until.is_(None), Job.lease_until < func.now())\n    return (",
                "    free = Job.lease_until.is_(None)\n    return (",
            ),
        ),
        (_in("house/test_jobs", "the_clock_names_what_is_due_and_not_leased_and_how_long_until_the_next"),),
    ),
    Mutant(
        "what was left again while it was worked on runs once more",
        (
            Edit(
                "dispatch/lease.py",
                "done_at = CASE WHEN jobs.asked = mine.asked THEN now() END",
                "done_at = now()",
            ),
        ),
        (_in("house/test_jobs", "a_job_left_again_while_it_is_worked_on_runs_once_more"),),
    ),
    Mutant(
        "a worker whose lease is nearly over says nothing",
        (
            Edit(
                "dispatch/call.py",
                "if claim is not None and not claim.may_speak():",
                "if claim is not None and not claim.token:",
            ),
        ),
        (_in("rooms/test_late_answers", "a_worker_whose_time_is_nearly_up_says_nothing"),),
    ),
)

NEWS_AND_LAW = (
    Mutant(
        "delivered cannot go back on its way: the fold's table",
        (
            Edit(
                "dispatch/journey.py",
                "**{(tracked, news): MEANS[news] for tracked in ON_THE_WAY for news in MEANS},",
                "**{(tracked, news): MEANS[news] for tracked in Tracked for news in MEANS},",
            ),
        ),
        (
            _in("journey/test_fold", "every_pair_of_state_and_news_moves_as_the_rule_in_words_says"),
            _in("rooms/test_tracking", "movement_after_the_delivery_is_absorbed"),
        ),
    ),
    Mutant(
        "arrival order never matters: the fold's sorting",
        (
            Edit(
                "dispatch/journey.py",
                "_take_back(sorted(_told_best(sightings), key=Observed.order))\n    state, cause",
                "_take_back(list(dict.fromkeys(sightings)))\n    state, cause",
            ),
        ),
        (_in("journey/test_fold", "arrival_order_and_repetition_never_matter"),),
    ),
    Mutant(
        "a push is acknowledged only after its commit",
        (
            Edit(
                "dispatch/api/pushes.py",
                "reply = await self._batch.do(arrival)",
                "asyncio.ensure_future(self._batch.do(arrival)).add_done_callback(asyncio.Future.exception)\n"
                "        reply = arrival.reply",
            ),
        ),
        (
            _in("doors/test_pushes", "with_the_database_away_nothing_is_acknowledged"),
            _in("doors/test_push_batch", "a_busy_door_answers_like_one_whose_database_is_away"),
        ),
    ),
    Mutant(
        "a push for another customer is turned away",
        (
            Edit(
                "dispatch/posts/ems/account.py",
                'if text_of(pushed, "senderNo") != self.account.sender_no:',
                'if not text_of(pushed, "senderNo"):',
            ),
        ),
        (_in("doors/test_pushes", "a_push_that_cannot_be_genuine_is_turned_away_and_kept"),),
    ),
    Mutant(
        "what the law keeps to the post goes with nobody else: the carriage policy",
        (
            Edit(
                "dispatch/approval/carriage.py",
                "return standing is not Standing.EXPRESS or item.carriage == Carriage.CLEARED",
                "return standing in Standing and item is not None",
            ),
        ),
        (
            _in(
                "rooms/test_law",
                "what_was_gathered_before_the_clearing_was_withdrawn_is_not_told_to_the_express_company",
            ),
            _in("rooms/test_routes", "an_express_company_gets_neither_all_items_nor_one_that_was_not_cleared"),
        ),
    ),
    Mutant(
        "a proxy's signature counts only with the applicant's consent",
        (Edit("dispatch/zero_visits/evidence.py", "if not consent.proxy_allowed:", "if consent is None:"),),
        (_in("rooms/test_evidence", "each_signer_against_each_consent_closes_asks_or_comes_before_a_person"),),
    ),
    Mutant(
        "personal data is sealed for its own row",
        (
            Edit(
                "dispatch/vault.py",
                'return f"{row.__tablename__}.{column}.{row.id}".encode()',
                'return f"{row.__tablename__}.{column}".encode()',
            ),
        ),
        (_in("house/test_vault", "a_sealed_value_copied_to_another_row_does_not_open"),),
    ),
)

WHO_COMES_IN = (
    Mutant(
        "a page asks for its right",
        (Edit("dispatch/console/guard.py", "if rights and not any(", "if not rights and any("),),
        (_in("console/test_every_route", "each_role_at_each_route"),),
    ),
    Mutant(
        "a form carries the token of its own session",
        (Edit("dispatch/console/guard.py", "        await _check_csrf(request, world, token)\n", ""),),
        (_in("console/test_every_route", "every_form_without_its_token_or_from_elsewhere_does_nothing"),),
    ),
    Mutant(
        "a form comes from a page of ours",
        (
            Edit(
                "dispatch/console/guard.py",
                "if request.method in SAFE:\n        return\n    site",
                "if request:\n        return\n    site",
            ),
        ),
        (_in("console/test_every_route", "a_public_form_is_not_taken_from_elsewhere_either"),),
    ),
    Mutant(
        "another role, another session",
        (
            Edit(
                "dispatch/staff/member.py",
                "if (member.role, member.departments) != (role, seen):",
                "if member.id != member.id:",
            ),
        ),
        (_in("console/test_accounts", "what_changes_somebody_s_rights_ends_their_sessions"),),
    ),
    Mutant(
        "a one-time code counts once",
        (Edit("dispatch/staff/totp.py", " and step > member.totp_step:", ":"),),
        (_in("console/test_one_time_code", "a_code_counts_once_and_none_before_it_counts_any_more"),),
    ),
    Mutant(
        "no session before the second step",
        (Edit("dispatch/staff/sign_in.py", "    if has_code(member):\n", "    if not member:\n"),),
        (_in("console/test_one_time_code", "a_ticket_grows_old_and_dies_with_the_password"),),
    ),
    Mutant(
        "a wrong code counts like a wrong password",
        (
            Edit(
                "dispatch/staff/sign_in.py",
                "    failed(world, member.login, CODE, by_service=by_service)\n",
                "    pass\n",
            ),
        ),
        (
            _in(
                "console/test_one_time_code",
                "guessing_codes_locks_the_account_though_the_password_is_right_each_time",
            ),
        ),
    ),
    Mutant(
        "the browser that asked brings the answer back: the state",
        (
            Edit(
                "dispatch/oidc/provider.py",
                'if not compare_digest(answer.get("state", "").encode(), asked.state.encode()):',
                "if not asked.state:",
            ),
        ),
        (_in("console/test_single_sign_on", "an_answer_that_proves_nothing_opens_nothing"),),
    ),
    Mutant(
        "an ID token is for us, in answer to our question, in its time",
        (Edit("dispatch/oidc/id_token.py", "        _check(opened.claims, opened.header, expected)\n", ""),),
        (_in("console/test_single_sign_on", "an_answer_that_proves_nothing_opens_nothing"),),
    ),
    Mutant(
        "a key opens what its scopes name",
        (Edit("dispatch/api/who.py", "if not client.may(scope):", "if not client:"),),
        (_in("console/test_client_keys", "a_key_with_the_wrong_scope_is_told_what_it_lacks"),),
    ),
    Mutant(
        "the old key ends",
        (Edit("dispatch/client.py", "(self.valid_until is None or now < self.valid_until)", "now > self.made_at"),),
        (_in("console/test_client_keys", "the_old_key_opens_beside_the_new_one_until_its_time_is_over"),),
    ),
    Mutant(
        "wrong passwords do not bar the identity service's word",
        (Edit("dispatch/staff/failures.py", "member.password is not None and not by_service", "True"),),
        (_in("console/test_no_password", "whoever_knows_a_login_locks_nobody_out_who_comes_by_the_service"),),
    ),
    Mutant(
        "the door slows down where there is no password too",
        (Edit("dispatch/staff/failures.py", "if wrong else None", "if wrong and by_service else None"),),
        (_in("console/test_no_password", "the_door_answers_alike_whether_there_is_a_password_or_none"),),
    ),
    Mutant(
        "what a clerk typed is masked for the auditor",
        (
            Edit(
                "dispatch/auditing/look.py",
                'detail = behind(curtains, world.vault.open(entry, "detail"))',
                'detail = behind((), world.vault.open(entry, "detail"))',
            ),
        ),
        (_in("console/test_audit_pages", "it_is_masked_whatever_the_deed_was_done_to"),),
    ),
    Mutant(
        "of whom was forgotten nothing is written down any more",
        (
            Edit(
                "dispatch/approval/case.py", "    if case.erased_at is not None:", "    if case.received_at is None:"
            ),
        ),
        (_in("rooms/test_never_closed", "once_forgotten_it_takes_nobodys_data_any_more_and_is_given_to_nobody"),),
    ),
    Mutant(
        "a formula stays text in an export",
        (Edit("dispatch/auditing/export.py", "[harmless(cell) for cell in told]", "told"),),
        (_in("console/test_audit_pages", "an_export_is_noted_and_a_formula_in_it_stays_text"),),
    ),
)

THE_DESK = (
    Mutant(
        "what a printer may have taken is not sent again by itself",
        (
            Edit(
                "dispatch/label/thermal/send.py",
                "_in_doubt(world, session, job, str(wrong))",
                "_end(world, session, job, State.FAILED, str(wrong))",
            ),
        ),
        (
            _in(
                "rooms/test_printers",
                "lost_in_the_middle_it_is_unknown_how_many_came_out_and_nothing_is_sent_again_by_itself",
            ),
        ),
    ),
    Mutant(
        "where applicant and record differ, the higher figure stands",
        (Edit("dispatch/ledger.py", "standing.or_higher(told.count)", "standing.or_higher(base)"),),
        (_in("rooms/test_trips_told", "the_higher_figure_of_each_counter_stands_until_a_supervisor_rules"),),
    ),
    Mutant(
        "a trip that is told late opens what was ruled",
        (Edit("dispatch/ledger.py", "ruling.counted == counted", "ruling.counted is not None"),),
        (_in("rooms/test_trips_told", "later_news_open_the_difference_anew"),),
    ),
    Mutant(
        "the paper of an envelope that was booked stays registered",
        (
            Edit(
                "dispatch/approval/paper_back.py",
                "and not is_unbooked(envelope.shipment)",
                "and is_unbooked(envelope.shipment)",
            ),
        ),
        (_in("rooms/test_paper_back", "a_paper_in_an_envelope_that_was_booked_stays_registered"),),
    ),
    Mutant(
        "a case of another department is not released from here",
        (Edit("dispatch/console/chosen.py", "if set(ids) - seen:", "if not seen and not ids:"),),
        (_in("console/test_dispatch_and_print", "another_departments_cases_and_batches_are_not_there"),),
    ),
    Mutant(
        "all that match are those that were shown",
        (Edit("dispatch/seen.py", 'if shown in {"", mark_of(ids)}:', "if shown is not None:"),),
        (_in("console/test_dispatch_and_print", "a_release_of_all_that_match_is_of_those_that_the_trial_has_shown"),),
    ),
    Mutant(
        "over somebody else's hold nothing is given out",
        (Edit("dispatch/zero_visits/at_window.py", "    if step is Step.HELD:", "    if step is None:"),),
        (_in("console/test_window_page", "over_somebody_elses_hold_nothing_is_given_out_and_the_page_says_which"),),
    ),
    Mutant(
        "a paper that is not here is not given out",
        (Edit("dispatch/zero_visits/at_window.py", "    if step is Step.PAPER:", "    if step is None:"),),
        (_in("console/test_window_page", "a_lost_paper_is_not_given_out_until_its_substitute_is_registered"),),
    ),
    Mutant(
        "what the post has told of is not put back",
        (
            Edit(
                "dispatch/packing/put_back.py",
                "shipment.stage == Stage.HANDED_OVER and shipment.tracked == Tracked.UNSEEN",
                "shipment.stage == Stage.HANDED_OVER",
            ),
        ),
        (_in("console/test_put_back", "what_the_post_has_told_of_is_not_put_back"),),
    ),
    Mutant(
        "news from before it was put back give its line back",
        (Edit("dispatch/packing/put_back.py", "LinePutBack.put_back_at > told", "LinePutBack.put_back_at < told"),),
        (
            _in(
                "console/test_put_back",
                "news_from_before_it_was_put_back_say_that_it_was_with_the_postman_and_its_line_stands_again",
            ),
        ),
    ),
    Mutant(
        "an answered run gives no file any more",
        (
            Edit(
                "dispatch/label/print_run.py",
                "        _refuse_answered(find_run(session, batch_id), ",
                "        str.join(str(find_run(session, batch_id)), ",
            ),
        ),
        (_in("rooms/test_print_runs", "each_file_of_a_run_is_noted_and_after_the_answer_there_is_none"),),
    ),
    Mutant(
        "on days off nobody at the hall is late",
        (
            Edit(
                "dispatch/working_days.py",
                "since + patience if world.settings.hall_open_daily else",
                "since + patience if patience else",
            ),
        ),
        (
            _in(
                "rooms/test_working_days",
                "what_waits_for_the_hall_rests_over_the_festival_and_what_waits_for_the_post_does_not",
            ),
        ),
    ),
    Mutant(
        "what somebody typed is not turned into English",
        (Edit("dispatch/console/sentence.py", '"s": str}', '"s": turn}'),),
        (_in("console/test_sentences", "what_somebody_typed_stays_as_it_is_though_it_be_a_word_of_ours"),),
    ),
)

MUTANTS = (*NOTHING_TWICE, *IN_DOUBT, *JOBS_AND_CLOCK, *NEWS_AND_LAW, *WHO_COMES_IN, *THE_DESK)
