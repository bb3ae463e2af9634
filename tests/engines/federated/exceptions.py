"""Cases of the suite that say nothing about a federation of several partitions, each with the reason."""

from collections.abc import Mapping

from penstock.conformance.suite import every_case

IDS = "ids are those of its partitions: of several numbers, and rising in each only"
SPREAD = (
    "jobs of one call may lie in several partitions: they have no order in common, and no moment"
)
KEYS = "a de-duplicated job under an idempotency key lies where its twin is, and not where its key may be known"
FOLLOW_UPS = "follow-ups are pushed where their job lies, and know the keys of that partition only"

CLOCKS = "partitions have clocks of their own: where one is aged, its jobs change places with those of others"

EXCEPTIONS: Mapping[str, str] = {
    "ack::test_ack_lists_the_waiting_twin_of_a_follow_up": FOLLOW_UPS,
    "ahead::test_a_thousand_are_asked_about_at_once": SPREAD,
    "ahead::test_a_twin_that_was_raised_comes_before_those_it_passed": SPREAD,
    "ahead::test_jobs_of_other_queues_are_not_before_it": SPREAD,
    "claim_ids::test_a_thousand_jobs_may_be_named": IDS,
    "dedupe::test_a_duplicate_within_one_batch_is_found_too": SPREAD,
    "dedupe::test_only_the_twin_is_raised": SPREAD,
    "delivery::test_delivery_is_kept_as_it_was_pushed": SPREAD,
    "idempotency::test_a_conflict_leaves_its_dedupe_key_free": KEYS,
    "idempotency::test_a_follow_up_keeps_its_key": FOLLOW_UPS,
    "idempotency::test_the_answer_tells_when_the_job_was_stored": SPREAD,
    "idempotency::test_within_one_batch_a_key_counts_from_its_first_job_on": SPREAD,
    "lifetime::test_opening_twice_is_fine": IDS,
    "lifetime::test_the_identity_is_kept_in_the_store": IDS,
    "lifetime::test_one_process_goes_on_when_another_crashes": IDS,
    "push::test_a_batch_is_answered_place_by_place_with_rising_ids": IDS,
    "push::test_ids_are_those_of_the_stores_number": IDS,
    "push::test_later_pushes_get_higher_ids": IDS,
    "push::test_pushed_jobs_are_there_after_reopen": IDS,
    "push::test_the_id_of_a_deleted_job_is_never_given_again": IDS,
    "push::test_the_id_of_a_job_that_was_not_kept_is_never_given_again": IDS,
    "push::test_the_id_of_a_purged_job_is_not_given_again_after_reopen": IDS,
    "reclaim::test_reclaim_beside_a_ready_twin_leaves_both_alive": CLOCKS,
    "reclaim::test_reclaim_beside_a_scheduled_twin_leaves_both_alive": CLOCKS,
    "reclaim::test_a_reclaimed_job_keeps_its_place_by_priority_and_id": SPREAD,
    "register::test_a_registered_root_supersedes_the_older_family": SPREAD,
    "roots::test_jobs_without_a_root_or_of_another_signature_are_left_alone": SPREAD,
    "together::test_a_twin_in_the_same_call_is_not_raised_by_what_falls": KEYS,
    "together::test_an_end_whose_follow_ups_all_fall_has_none": FOLLOW_UPS,
    "together::test_follow_ups_of_one_end_fall_together_and_the_job_ends": FOLLOW_UPS,
    "together::test_follow_ups_of_several_ends_are_judged_each_for_itself": FOLLOW_UPS,
    "together::test_the_rest_of_the_call_goes_in_as_always": SPREAD,
    "together::test_what_falls_registers_no_root": SPREAD,
    "together::test_what_fell_left_nothing_of_its_key": IDS,
}
EXCEPTED = {case: EXCEPTIONS[name] for name, case in every_case() if name in EXCEPTIONS}
# Of one partition alone only this cannot hold.
NUMBER = "lifetime::test_the_identity_is_kept_in_the_store"
EXCEPTED_OF_ONE = {case: IDS for name, case in every_case() if name == NUMBER}
