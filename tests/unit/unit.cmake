add_executable(
  unit_tests
  support/doctest_main.cpp
  support/temp_directory.cpp
  unit/accounts_test.cpp
  unit/agent_sampling_test.cpp
  unit/alarms_test.cpp
  unit/artifact_index_test.cpp
  unit/artifact_table_test.cpp
  unit/artifact_sender_test.cpp
  unit/batch_encoder_test.cpp
  unit/batcher_test.cpp
  unit/body_store_test.cpp
  unit/body_windows_test.cpp
  unit/body_writer_test.cpp
  unit/build_intake_test.cpp
  unit/build_job_table_test.cpp
  unit/build_log_table_test.cpp
  unit/build_purge_test.cpp
  unit/build_table_test.cpp
  unit/build_verbs_test.cpp
  unit/byte_budget_test.cpp
  unit/dispatch_test.cpp
  unit/drop_directory_test.cpp
  unit/board_flash_test.cpp
  unit/bridge_agent_link_test.cpp
  unit/bridge_avrdude_test.cpp
  unit/bridge_config_test.cpp
  unit/bridge_control_test.cpp
  unit/bridge_diagnosis_test.cpp
  unit/bridge_flash_test.cpp
  unit/bridge_framing_test.cpp
  unit/bridge_hex_test.cpp
  unit/bridge_modbus_session_test.cpp
  unit/bridge_modbus_test.cpp
  unit/bridge_nmea_test.cpp
  unit/bridge_noise_test.cpp
  unit/bridge_ports_test.cpp
  unit/bridge_probe_test.cpp
  unit/bridge_protocols_test.cpp
  unit/bridge_senml_test.cpp
  unit/bridge_session_test.cpp
  unit/delta_commands_test.cpp
  unit/delta_patcher_test.cpp
  unit/delta_round_trip_test.cpp
  unit/delta_signature_test.cpp
  unit/device_library_test.cpp
  unit/flash_order_test.cpp
  unit/exec_test.cpp
  unit/file_drop_test.cpp
  unit/file_tail_test.cpp
  unit/first_name_test.cpp
  unit/forecast_test.cpp
  unit/command_outcomes_test.cpp
  unit/hello_pages_test.cpp
  unit/inbox_test.cpp
  unit/host_metrics_test.cpp
  unit/chunk_codec_test.cpp
  unit/cli_blobs_test.cpp
  unit/cli_delete_test.cpp
  unit/cli_import_test.cpp
  unit/cli_parts_test.cpp
  unit/cli_pipeline_test.cpp
  unit/cli_verbs_test.cpp
  unit/agent_config_test.cpp
  unit/config_test.cpp
  unit/coordinator_config_test.cpp
  unit/credit_pool_test.cpp
  unit/downlink_test.cpp
  unit/api_aggregate_test.cpp
  unit/api_blobs_test.cpp
  unit/api_calibration_test.cpp
  unit/api_uploads_test.cpp
  unit/eraser_test.cpp
  unit/store_deletion_test.cpp
  unit/store_http_test.cpp
  unit/store_migration_test.cpp
  unit/api_deletion_test.cpp
  unit/api_experiments_test.cpp
  unit/api_exports_test.cpp
  unit/cli_study_test.cpp
  unit/export_journal_test.cpp
  unit/export_test.cpp
  unit/expression_test.cpp
  unit/presses_test.cpp
  unit/reading_columns_test.cpp
  unit/health_desk_test.cpp
  unit/sampling_desk_test.cpp
  unit/sampling_plan_test.cpp
  unit/sampling_table_test.cpp
  unit/sensor_config_test.cpp
  unit/sensor_watch_test.cpp
  unit/study_archive_test.cpp
  unit/study_import_test.cpp
  unit/study_test.cpp
  unit/api_devices_test.cpp
  unit/api_imports_test.cpp
  unit/import_run_test.cpp
  unit/api_lists_test.cpp
  unit/api_live_test.cpp
  unit/api_readings_test.cpp
  unit/api_routes_test.cpp
  unit/api_values_test.cpp
  unit/api_writes_test.cpp
  unit/http_reader_test.cpp
  unit/line_socket_test.cpp
  unit/long_fields_test.cpp
  unit/long_turns_test.cpp
  unit/mqtt_topics_test.cpp
  unit/http_blobs_test.cpp
  unit/http_route_config_test.cpp
  unit/http_routes_test.cpp
  unit/http_test.cpp
  unit/import_request_test.cpp
  unit/import_source_test.cpp
  unit/influx_http_test.cpp
  unit/ingest_test.cpp
  unit/job_spec_test.cpp
  unit/job_attempts_test.cpp
  unit/job_shipper_crash_test.cpp
  unit/job_shipper_test.cpp
  unit/kept_ranges_test.cpp
  unit/http_text_test.cpp
  unit/parquet_encodings_test.cpp
  unit/parquet_foreign_test.cpp
  unit/parquet_hostile_test.cpp
  unit/parquet_round_trip_test.cpp
  unit/parquet_statistics_test.cpp
  unit/parquet_writer_test.cpp
  unit/pipeline_docs_test.cpp
  unit/pipeline_flat_test.cpp
  unit/pipeline_plan_test.cpp
  unit/pipeline_reader_test.cpp
  unit/quarantine_test.cpp
  unit/mapping_rules_test.cpp
  unit/raw_keeper_test.cpp
  unit/raw_replay_fault_test.cpp
  unit/raw_replay_test.cpp
  unit/replay_test.cpp
  unit/request_mapping_test.cpp
  unit/api_reprocess_test.cpp
  unit/cli_reprocess_test.cpp
  unit/runner_control_test.cpp
  unit/runner_desk_test.cpp
  unit/runner_job_test.cpp
  unit/runner_journal_test.cpp
  unit/runner_run_test.cpp
  unit/runner_link_test.cpp
  unit/runner_reply_test.cpp
  unit/runner_watch_test.cpp
  unit/salvage_test.cpp
  unit/series_catalog_test.cpp
  unit/set_back_test.cpp
  unit/shed_count_test.cpp
  unit/site_counter_test.cpp
  unit/front_state_test.cpp
  unit/spool_front_test.cpp
  unit/spool_test.cpp
  unit/reading_crash_test.cpp
  unit/reading_damage_test.cpp
  unit/reading_model_test.cpp
  unit/reading_store_test.cpp
  unit/tar_archive_test.cpp
  unit/triggers_cron_test.cpp
  unit/triggers_filters_test.cpp
  unit/triggers_git_test.cpp
  unit/triggers_git_poll_test.cpp
  unit/triggers_hooks_test.cpp
  unit/triggers_replay_test.cpp
  unit/triggers_schedule_test.cpp
  unit/triggers_signature_test.cpp
  unit/told_fact_test.cpp
  unit/trigger_table_test.cpp
  unit/unconfirmed_test.cpp
  unit/unpack_test.cpp
  unit/upload_file_test.cpp
  unit/upload_room_test.cpp
  unit/wire_body_test.cpp
  unit/wire_build_test.cpp
  unit/wire_describe_test.cpp
  unit/wire_codec_golden_test.cpp
  unit/wire_codec_test.cpp
  unit/wire_golden_test.cpp
  unit/mqtt_inbox_test.cpp
  unit/outbox_test.cpp
  unit/wire_hash_test.cpp
  unit/wire_line_test.cpp
  unit/wire_messages_test.cpp
  unit/wire_readings_test.cpp
  unit/wire_rfc3339_test.cpp
  unit/wire_signing_test.cpp
  unit/wire_topics_test.cpp
  unit/yaml_document_test.cpp)
target_compile_definitions(
  unit_tests PRIVATE FIELDPOST_GOLDEN_DIR="${PROJECT_SOURCE_DIR}/proto/golden"
                     FIELDPOST_DOCS_DIR="${PROJECT_SOURCE_DIR}/docs"
                     FIELDPOST_TEST_DATA_DIR="${PROJECT_SOURCE_DIR}/tests/data"
                     FIELDPOST_SYSTEMD_DIR="${PROJECT_SOURCE_DIR}/systemd")
target_link_libraries(unit_tests PRIVATE fieldpost_agent_config fieldpost_bridge_composed
                                         fieldpost_bridge_config fieldpost_builds_node
                                         fieldpost_artifacts fieldpost_delta
                                         fieldpost_device fieldpost_sim_ports
                                         fieldpost_coordinator_config
                                         fieldpost_agent_sources fieldpost_api_world
                                         fieldpost_cli_world
                                         fieldpost_config fieldpost_coordinator
                                         fieldpost_fakes fieldpost_http_reader fieldpost_runner
                                         fieldpost_parquet_table
                                         fieldpost_pipelines
                                         fieldpost_reading_world fieldpost_sim
                                         fieldpost_samples fieldpost_triggers
                                         fieldpost_wire_schema
                                         LibArchive::LibArchive
                                         nlohmann_json::nlohmann_json ZLIB::ZLIB
                                         doctest::doctest)
doctest_discover_tests(unit_tests PROPERTIES LABELS unit)

# What was released stays readable: fields are only ever added.
add_test(NAME schema_conforms
         COMMAND flatbuffers::flatc --conform ${PROJECT_SOURCE_DIR}/proto/schema/released/v1.fbs
                 ${PROJECT_SOURCE_DIR}/proto/schema/wire.fbs)
set_tests_properties(schema_conforms PROPERTIES LABELS unit)

# What tools/bench_peers compares; it measures by hand only.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_test(NAME bench_peers_unit COMMAND Python3::Interpreter
                                       ${CMAKE_CURRENT_SOURCE_DIR}/unit/bench_peers_test.py)
set_tests_properties(bench_peers_unit PROPERTIES LABELS unit)
