//! What every backend of the store must do, said once.
//!
//! A behaviour is a function of an open store and its clock; a backend names itself in one
//! line, below, and is held to all of them.

mod changes;
mod entries;
mod erasure;
mod journal;
mod lists;
mod loads;
mod mail;
mod others;
mod place;
mod states;
mod sweeps;
mod webhooks;
mod world;

/// Runs a behaviour to its end.
fn run(behaviour: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(behaviour);
}

macro_rules! behaviours {
    ($($module:ident: $($name:ident,)+;)+) => {
        macro_rules! conformance {
            ($backend:ident, $place:ty) => {
                mod $backend {
                    $($(
                        #[test]
                        fn $name() {
                            crate::run(async {
                                let world = crate::world::World::<$place>::open().await;
                                crate::$module::$name(world).await;
                            });
                        }
                    )+)+
                }
            };
        }
    };
}

behaviours! {
    changes:
        rows_read_back_as_they_were_written,
        an_update_replaces_only_the_version_it_names,
        what_a_change_begins_outlives_the_stop_that_it_brings,
        a_change_rests_on_the_rows_it_read,
        a_change_rests_on_names_that_nobody_has,
        a_refused_change_falls_alone_within_its_group,
        facts_are_not_written_without_a_journal_entry,
        of_20_at_once_for_the_last_place_one_gets_it,
        a_condition_over_many_rows_holds_or_refuses,
        a_code_is_taken_across_kinds,
        an_answer_is_remembered_once_until_its_time_is_over,
        a_setup_link_opens_once,
        a_members_link_opens_once_and_an_invitation_replaces_the_one_before,
        the_listener_hears_rows_as_they_stand_before_anyone_is_answered,
        a_caller_who_goes_away_leaves_nothing_undone,
        bits_of_the_registry_are_given_out_in_order,
    ;
    journal:
        the_journal_has_no_gaps_under_64_writers_and_after_reopening,
        time_does_not_go_back_when_the_wall_clock_does,
    ;
    entries:
        entries_are_found_by_what_was_asked_for_in_either_order,
        pages_of_the_journal_are_bounded_and_lose_nothing,
        news_tell_of_entries_that_can_be_read,
    ;
    erasure:
        old_payloads_are_erased_once_and_the_chain_holds,
        what_is_left_of_erased_entries_is_vouched_for,
        what_was_said_of_a_member_is_erased_and_nothing_else,
        a_person_goes_when_no_member_is_that_person,
        checkpoints_grow_with_the_journal_and_vouch_for_it,
    ;
    states:
        lists_and_counts_see_the_states_that_the_rules_see,
    ;
    lists:
        pages_follow_one_another_in_every_order,
        filters_find_what_they_say,
        tokens_of_a_part_of_the_tree_are_found_and_those_beside_it_are_not,
        nodes_and_installations_are_read_a_page_at_a_time,
        a_search_takes_the_text_as_it_is_written,
        holders_are_listed_by_kind_and_without_those_who_left,
    ;
    sweeps:
        many_tokens_are_revoked_together_or_none_of_them,
        every_token_is_read_for_lists_in_chunks,
        what_a_token_replaced_is_found_while_it_is_in_grace,
        what_was_rotated_since_a_time_is_found_by_the_old_one,
    ;
    loads:
        a_snapshot_brings_what_belongs_to_a_digest_and_its_position,
        a_bulk_load_brings_everything_that_could_verify,
    ;
    mail:
        a_notice_is_kept_once_and_a_letter_only_with_one,
        letters_are_kept_with_their_change_or_not_at_all,
        of_many_who_would_send_a_letter_one_does,
        a_letter_reads_back_wherever_it_is,
        what_was_told_outlives_a_clock_that_ran_ahead,
        what_was_mailed_to_a_member_is_erased_with_them,
        what_happens_before_a_letter_is_begun_is_told_by_it_and_what_comes_after_waits,
        a_letter_is_kept_for_its_reader_alone_and_a_link_of_its_beside_others,
        those_are_found_who_have_a_role_for_all_of_an_account,
    ;
    webhooks:
        a_webhook_and_its_secrets_read_back,
        a_webhook_is_behind_while_the_journal_says_more_of_its_account,
        deliveries_about_one_subject_go_one_after_the_other,
        a_receiver_that_is_away_is_left_alone_and_given_up_with_all_that_waited,
        what_was_delivered_is_shown_for_a_while_and_takes_no_more_room_than_that,
    ;
    others:
        a_kept_secret_reads_back_until_it_is_forgotten,
        another_account_reads_nothing,
        uses_add_up,
        addresses_beyond_a_table_s_bound_are_counted_together,
        a_purge_removes_what_has_served_its_time_and_ends_nothing_that_never_ends,
        a_closed_store_is_unavailable_and_opens_again,
    ;
}

conformance!(sqlite, crate::world::Sqlite);
conformance!(postgres, crate::place::Postgres);
