"""Cases of the suite that say nothing about a federation of several partitions, each with the reason."""

from collections.abc import Mapping

from penstock.conformance.suite import every_case

IDS = "ids are those of its partitions: of several numbers, and rising in each only"
SPREAD = (
    "jobs of one call may lie in several partitions: they have no order in common, and no moment"
)
KEYS = "a de-duplicated job under an idempotency key lies where its twin is, and not where its key may be known"
FOLLOW_UPS = "follow-ups are pushed where their job lies, and know the keys of that partition only"

EXCEPTIONS: Mapping[str, str] = {
    "ack::test_ack_lists_the_waiting_twin_of_a_follow_up": FOLLOW_UPS,
    "ahead::test_a_thousand_are_asked_about_at_once": SPREAD,
    "ahead::test_a_twin_that_was_raised_comes_before_those_it_passed": SPREAD,
    "ahead::test_jobs_of_other_queues_are_not_before_it": SPREAD,
    "idempotency::test_a_conflict_leaves_its_dedupe_key_free": KEYS,
    "idempotency::test_a_follow_up_keeps_its_key": FOLLOW_UPS,
    "idempotency::test_the_answer_tells_when_the_job_was_stored": SPREAD,
    "lifetime::test_the_identity_is_kept_in_the_store": IDS,
    "push::test_a_batch_is_answered_place_by_place_with_rising_ids": IDS,
    "push::test_ids_are_those_of_the_stores_number": IDS,
    "push::test_later_pushes_get_higher_ids": IDS,
    "together::test_a_twin_in_the_same_call_is_not_raised_by_what_falls": KEYS,
    "together::test_an_end_whose_follow_ups_all_fall_has_none": FOLLOW_UPS,
    "together::test_follow_ups_of_one_end_fall_together_and_the_job_ends": FOLLOW_UPS,
    "together::test_follow_ups_of_several_ends_are_judged_each_for_itself": FOLLOW_UPS,
}
EXCEPTED = {case: EXCEPTIONS[name] for name, case in every_case() if name in EXCEPTIONS}
# Of one partition alone only this cannot hold.
NUMBER = "lifetime::test_the_identity_is_kept_in_the_store"
EXCEPTED_OF_ONE = {case: IDS for name, case in every_case() if name == NUMBER}
