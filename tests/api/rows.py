"""The rows of the catalogue of bad input, and which of them have no test.

For the data plane and the tokens (D digests, N names, U uploads, M manifests, R reads, T tokens, Z archives) a test
names the rows that it answers for with `@row("D1")`. For the control plane `CONTROL` names the tests. `test_rows.py`
compares.
"""

import pytest

row = pytest.mark.row

ROWS = {
    "D1": "malformed digests in the address of a manifest or blob",
    "D2": "digests of algorithms that are not supported",
    "D3": "sha512 everywhere",
    "D4": "paths in the place of a digest",
    "D5": "a blob closed with the digest of other content",
    "D7": "a closing PUT without a digest",
    "D8": "a manifest put by a digest that is not its own",
    "D9": "the same bytes under both algorithms",
    "N1": "repository names outside of the grammar",
    "N2": "encoded and dotted paths",
    "N3": "repositories that are named like routes",
    "N4": "tags outside of the grammar",
    "N6": "odd values of n and last",
    "U1": "Content-Range with gaps, overlaps, replays and bad forms",
    "U2": "Content-Range on a chunked body",
    "U3": "Content-Range that disagrees with Content-Length",
    "U4": "a closing PUT whose body is out of order",
    "U6": "two PATCHes at once",
    "U7": "closing while writing, closing twice",
    "U8": "sessions of others, unknown ids, changed states",
    "U10": "sessions that are opened and left",
    "U11": "a cancelled session",
    "U12": "bodies that are shorter or longer than announced",
    "U13": "ambiguous framing",
    "U15": "slow clients",
    "U16": "Content-Encoding and Content-Type on an upload",
    "U17": "blobs of no bytes, of one, and {}",
    "U19": "a monolithic POST, right, wrong, with mount",
    "U20": "uploads beyond the quota",
    "U21": "uploads to projects that are gone",
    "M1": "manifests at and over the size limit",
    "M2": "JSON that is deep, wide, or no manifest",
    "M3": "duplicate keys",
    "M5": "invalid UTF-8",
    "M6": "types that disagree or are ambiguous",
    "M7": "a digest pushed again under another type",
    "M8": "schema 1",
    "M10": "an index of what is not there",
    "M11": "deep nests, many children, shared children",
    "M12": "blobs and manifests taken for each other",
    "M14": "odd values of artifactType and of the digest of referrers",
    "M15": "data that is not what its digest says",
    "M16": "hostile annotations",
    "M18": "conditions on GET and PUT",
    "M19": "many, bad and repeated tags in one PUT",
    "M20": "deleting what is tagged, referred to, part of an index, unknown",
    "R1": "ranges",
    "R2": "ranges that cannot be satisfied",
    "R4": "ranges with conditions, of nothing, on HEAD",
    "R5": "HEAD equals GET",
    "R7": "Accept-Encoding",
    "R8": "bytes damaged on disk",
    "Z1": "archives that grow, and archives in archives",
    "Z2": "tar headers that lie, and archives of very many or very long names",
    "Z4": "archives that are not what they say",
    "Z5": "YAML and texts of a chart that mean harm",
    "I3": "patterns that are slow or malformed",
    "P2": "tags that a rule keeps",
    "T1": "unsigned tokens",
    "T2": "tokens signed with the public key",
    "T3": "other algorithms and forms",
    "T4": "headers that bring their own key",
    "T6": "another audience or issuer",
    "T7": "another time",
    "T8": "other secrets in the place of a token",
    "T10": "wildcards in scopes",
    "T11": "odd, many and long scopes",
    "T12": "scopes of what is not there",
    "T13": "no credentials",
    "T15": "another service",
    "T16": "odd POSTs to the token endpoint",
    "T17": "an account that is not the one of the credentials",
    "T18": "what changes after a token was issued",
    "T20": "a forged Host",
    "T21": "rotation of the signing key",
    "T22": "guessed passwords",
    "T23": "a signing key that is missing or open to others",
}

NOT_HERE: dict[str, str] = {}
"""Rows without a test in this folder, each with its reason."""

CONTROL: dict[str, tuple[str, ...]] = {
    "C1": (
        "mass assignment",
        "test_c1_fields_that_are_not_ones_own_change_nothing",
        "test_c1_a_column_in_a_body_is_written_nowhere",
        "test_protected_fields_stay_as_they_are",
    ),
    "C2": (
        "operations of the system, asked by everybody else",
        "test_each_caller_may_what_the_table_says",
    ),
    "C3": (
        "the last administrator",
        "test_the_last_administrator_stays",
        "test_nobody_deletes_or_demotes_themselves_or_the_first",
    ),
    "C4": (
        "members who make themselves more",
        "test_a_maintainer_does_not_make_themselves_more",
        "test_who_cannot_be_a_member_is_refused",
        "test_a_text_is_no_number_and_a_number_no_truth",
    ),
    "C5": (
        "another method in a header",
        "test_no_header_changes_the_method",
        "test_an_overridden_method_is_the_method_that_was_sent",
    ),
    "S1": (
        "URLs that the server is made to ask",
        "test_s1_s2_a_project_does_not_reach_what_is_inside",
    ),
    "S2": (
        "addresses of all forms",
        "test_s2_each_trust_reaches_its_addresses",
        "test_s2_what_is_no_plain_web_address_is_refused",
    ),
    "S3": (
        "names that change and redirects",
        "test_s3_a_name_that_changes_its_mind_is_asked_once_per_connection_and_pinned",
        "test_s3_a_redirect_to_what_is_inside_is_refused",
    ),
    "S4": (
        "open, closed and filtered ports",
        "test_s4_open_closed_and_filtered_ports_look_alike_to_a_project",
    ),
    "S5": (
        "answers without end",
        "test_s5_an_endless_body_ends",
        "test_s5_a_gzip_bomb_takes_no_memory",
    ),
    "I1": (
        "SQL in words of a query",
        "test_i1_no_word_of_a_query_reaches_the_database_as_sql",
        "test_wildcards_are_ordinary_characters",
    ),
    "I2": (
        "odd and long filters",
        "test_a_malformed_q_is_refused_with_its_position",
        "test_reading_takes_time_in_proportion",
    ),
    "I4": (
        "LDAP filters in names, empty passwords",
        "test_what_is_typed_is_never_a_filter",
        "test_a_wrong_password_is_401_and_so_is_an_empty_one",
    ),
    "I5": (
        "line ends in values",
        "test_i5_a_line_end_is_refused_or_stays_within_its_value",
        "test_a_header_cannot_break_out_of_its_line",
    ),
    "I6": (
        "forged lines in the log",
        "test_an_event_is_one_line_whatever_a_client_sent",
        "test_a_message_is_one_line_of_ascii_whatever_is_in_it",
    ),
    "I8": (
        "templates in texts",
        "test_slack_takes_no_text_for_anything_else",
    ),
    "I10": (
        "code in stored data",
        "test_nothing_runs_code_that_is_hidden_in_data",
    ),
    "X1": (
        "markup in names, descriptions and readmes",
        "test_names_that_would_do_harm_are_text_everywhere",
        "test_a_description_is_written_where_it_is_read",
        "test_nothing_is_inline_and_nothing_comes_from_elsewhere",
    ),
    "X2": (
        "content that a browser would run",
        "test_nothing_that_is_shown_can_run_in_a_browser",
        "test_the_headers_of_a_blob_and_a_manifest_are_those_that_clients_need",
        "test_every_answer_forbids_caching_sniffing_and_framing",
    ),
    "X3": (
        "requests of other sites",
        "test_a_change_with_a_session_needs_its_token",
        "test_what_a_form_of_another_site_can_send_changes_nothing",
        "test_no_other_site_can_sign_a_browser_in",
    ),
    "X4": (
        "other origins",
        "test_no_origin_is_let_in",
    ),
    "X5": (
        "frames",
        "test_every_answer_forbids_caching_sniffing_and_framing",
    ),
    "A1": (
        "sessions: rotation, end, cookies, replicas",
        "test_signing_in_again_rotates_and_signing_out_ends",
        "test_what_ends_an_account_ends_its_sessions_at_every_worker",
        "test_an_unused_session_ends",
    ),
    "A2": (
        "guessing",
        "test_t22_a_hundred_wrong_passwords_are_five_tries",
        "test_wrong_ones_are_slowed_down",
    ),
    "A3": (
        "who exists",
        "test_who_does_not_exist_is_told_the_same",
        "test_an_unknown_user_takes_as_long_as_a_known_one",
    ),
    "A4": (
        "passwords: cost and rules",
        "test_a_hash_has_the_costs_that_the_design_names",
        "test_a_password_that_breaks_the_rule_is_refused",
    ),
    "A5": (
        "secrets at rest",
        "test_a5_no_secret_is_in_the_database_the_log_or_an_answer",
        "test_a_secret_that_was_moved_does_not_open",
        "test_a_foreign_key_stops_the_start",
    ),
    "A6": (
        "OpenID: state, nonce, tokens, collisions",
        "test_an_answer_is_taken_once_by_the_browser_that_asked_and_for_ten_minutes",
        "test_every_other_is_not",
        "test_an_address_never_leads_into_a_local_account",
    ),
    "A7": (
        "groups of a directory, a forged header",
        "test_groups_in_groups_count_when_they_are_to",
        "test_nobody_else_is_believed",
    ),
    "O1": (
        "where a sign-in leads",
        "test_nobody_is_led_elsewhere_after_signing_in",
    ),
    "O2": (
        "a forged Host",
        "test_a_host_that_is_not_ours_is_400_and_named_nowhere",
        "test_what_a_proxy_says_counts_only_from_a_trusted_one",
    ),
    "Q1": (
        "pages, bodies and names beyond their bounds",
        "test_q1_a_page_is_within_its_bounds_and_the_total_is_right",
        "test_a_body_over_1_mib_is_refused_unread",
    ),
    "Q2": (
        "the same, made by many at once",
        "test_q2_of_many_who_make_the_same_at_once_one_does",
    ),
    "Q3": (
        "quotas under fire",
        "test_parallel_uploads_never_pass_the_limit",
    ),
    "W1": (
        "receivers of webhooks: secrets, refusals, slowness, certificates",
        "test_a_secret_goes_with_its_address",
        "test_a_receiver_that_hangs_up_and_comes_back",
        "test_a_project_administrator_reaches_no_private_address_and_believes_no_certificate",
    ),
    "W3": (
        "another registry that means harm",
        "test_a_blob_is_what_was_asked_for",
        "test_a_list_that_has_no_end_or_leads_away_is_given_up",
    ),
    "W4": (
        "an upstream of a proxy cache that lies, fails, or forgets",
        "test_lies_are_not_kept",
        "test_who_may_not_pull_here_learns_nothing_of_the_upstream",
        "test_what_is_here_is_served_when_the_upstream_does_not",
        "test_what_the_upstream_deleted_is_followed_or_kept",
    ),
    "L1": (
        "one row for each change and each refusal",
        "test_a_change_is_one_row",
        "test_a_refusal_is_a_row_too",
    ),
    "L2": (
        "what an error tells",
        "test_a_bug_of_ours_is_500_with_the_request_id_and_nothing_else",
    ),
    "H1": (
        "headers of every answer",
        "test_every_answer_forbids_caching_sniffing_and_framing",
        "test_the_server_names_itself_without_a_version",
        "test_a_browser_that_came_by_https_is_told_to_come_by_nothing_else",
    ),
    "K1": (
        "TLS, here and there",
        "test_tls_is_served_on_the_same_port_and_plain_http_is_not",
        "test_s5_a_certificate_is_checked_unless_that_is_switched_off",
    ),
}
"""Rows of the catalogue for the control plane: what is sent, and the tests of any folder that answer for it. I3 and P2
are above. Objects of others (the matrix of roles, ids and parents) are `tests/rest/test_crossed.py` and
`tests/api/test_permissions.py`."""

LATER = {
    "I7": "no list is exported as CSV yet",
    "I9": "no program is run with words that a client sent",
    "W2": "scanners are not built yet",
    "P1": "policies on vulnerabilities and signatures are not built yet",
    "B1": "backups are not built yet",
}
"""Rows for the control plane that nothing can be tested for yet, each with its reason."""
