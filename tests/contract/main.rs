//! The engine's contract: what `wharf::engine::Engine` promises, as tests that run on the simulated engine and on real
//! Podman alike, so that the simulated one can't lie. Only what holds for both is here.
//!
//! The Podman half needs a running service (the one that wharf itself finds, `CONTAINER_HOST` included) and the
//! image `WHARF_TEST_IMAGE` (by default `localhost/wharf-busybox:1`). Without them it fails; it never skips. Every test
//! has a site of its own, named after `WHARF_TEST_SITE`, and removes by label whatever carries it, also when it panics.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods
)] // tests on real engines

#[path = "../support/client.rs"]
mod client;
mod creating;
mod data;
mod fixture;
#[path = "../support/labelled.rs"]
mod labelled;
mod limits;
#[path = "../support/machine.rs"]
mod machine;
mod observing;
mod podman_fixture;
#[path = "../support/raw.rs"]
mod raw;
mod removing;
mod running;
mod simulated_fixture;
mod storing;
mod streams;
mod yard;

/// Makes of each contract one test for each engine.
macro_rules! contracts {
    ($($module:ident: $($name:ident)+;)+) => {
        mod simulated {
            $($(
                #[test]
                fn $name() {
                    let fixture = crate::simulated_fixture::SimulatedFixture::new();
                    crate::fixture::block_on(crate::$module::$name(&crate::yard::Yard::new(&fixture)));
                    fixture.assert_used_well();
                }
            )+)+
        }

        mod podman {
            $($(
                #[test]
                fn $name() {
                    let _alone = crate::podman_fixture::alone();
                    let fixture = crate::podman_fixture::PodmanFixture::new(stringify!($name));
                    crate::fixture::block_on(crate::$module::$name(&crate::yard::Yard::new(&fixture)));
                }
            )+)+
        }
    };
}

contracts! {
    creating:
        a_name_that_is_taken_is_a_conflict
        a_container_without_its_image_is_an_image_error
        a_container_without_its_pod_is_refused
        a_container_never_makes_a_volume
        a_pod_without_its_network_is_refused
        labels_read_back_to_the_letter
        a_specification_of_ten_kilobytes_reads_back
        an_image_that_is_there_is_left_as_it_is
        an_image_that_nobody_has_is_an_image_error
        an_image_is_built_and_then_there
        a_build_that_fails_is_an_image_error_and_leaves_no_image;
    removing:
        what_is_in_use_stays
        what_was_removed_is_not_found
        an_older_incarnation_is_not_found_and_the_newer_one_stays
        an_older_incarnation_of_a_volume_is_not_found_and_its_data_stays
        what_somebody_else_removed_is_not_found;
    running:
        a_container_is_created_then_runs_then_has_ended
        starting_a_running_container_changes_nothing
        stopping_what_is_stopped_changes_nothing
        stopping_a_pod_stops_all_of_it_and_starting_a_container_brings_the_pod_back
        restarting_one_container_leaves_the_others_alone
        every_start_is_another_incarnation
        an_object_created_again_is_another_incarnation
        a_container_that_does_not_run_has_no_incarnation
        waiting_returns_the_exit_code
        waiting_for_what_goes_on_takes_too_long;
    limits:
        limits_of_creation_are_enforced_and_observed
        limits_change_while_a_container_runs
        limits_can_be_lifted
        starting_sets_the_limits_of_now_and_not_those_of_creation
        a_stopped_container_takes_no_limits
        limits_that_somebody_else_changed_are_observed;
    observing:
        the_processor_time_of_what_runs_is_known
        an_engine_says_what_it_is
        an_engine_that_is_not_there_is_unreachable
        what_was_created_is_observed_whole
        objects_without_the_sites_label_are_foreign
        labels_that_are_not_whole_make_an_object_foreign
        another_sites_objects_are_foreign
        one_workspace_is_observed_as_all_of_them_are
        every_site_with_an_object_is_listed
        a_mark_says_what_it_was_made_for
        what_a_container_wrote_is_measured
        what_happens_to_the_sites_objects_is_told;
    data:
        a_volumes_data_outlives_its_container
        a_volume_is_writable_where_the_image_has_no_such_folder
        an_ephemeral_volume_is_empty_after_a_stop
        an_ephemeral_volume_is_shared_while_it_lasts
        data_moves_and_moving_again_changes_nothing
        data_is_never_moved_over_data
        data_of_a_volume_that_is_gone_can_not_be_moved
        moved_data_passes_to_another_users_ids
        data_is_copied_and_copying_again_changes_nothing
        data_is_never_copied_over_data
        data_of_a_volume_that_is_gone_can_not_be_copied
        who_runs_with_a_volume_is_known_and_nothing_is_copied_from_it_meanwhile
        copied_data_belongs_to_the_workspaces_ids;
    storing:
        a_built_image_is_listed_with_its_labels_and_users_and_removed_without_them
        an_image_of_another_id_or_without_the_name_is_not_found
        a_volumes_size_is_that_of_its_files;
    streams:
        a_command_returns_its_exit_code
        output_and_errors_stay_apart
        a_terminal_joins_output_and_errors
        a_command_reads_what_it_is_fed_to_the_end
        a_command_that_is_not_fed_reads_nothing
        a_command_gets_its_environment_and_folder
        a_command_needs_a_running_container
        logs_hold_what_was_written
        logs_can_be_cut_to_their_last_lines
        logs_that_are_followed_end_with_the_container
        a_port_on_the_loopback_address_can_be_dialled
        a_port_on_which_nothing_listens_is_an_error
        a_container_that_does_not_run_can_not_be_dialled;
}
