/**
 * Options that a real nova.conf holds and Drover does not use. They are accepted with a warning, so that an
 * existing file works as it is; a name that is neither ours nor in here is a mistake and stops the start.
 * An option that Drover comes to implement is declared in its section file; that wins over this list.
 */

/** Sections that are Nova's (or of its libraries) and that Drover uses nothing of. */
const novaSections: ReadonlySet<string> = new Set(
  words(`api_database barbican barbican_service_user cache cinder conductor console consoleauth cors cyborg
  devices ephemeral_storage_encryption glance guestfs healthcheck hyperv image_cache ironic key_manager
  keystone keystone_authtoken manila mks mysql neutron notifications os_vif_linux_bridge os_vif_noop os_vif_ovs
  os_vif_vhostuser oslo_concurrency oslo_limit oslo_messaging_amqp oslo_messaging_kafka oslo_messaging_metrics
  oslo_messaging_notifications oslo_messaging_rabbit oslo_middleware oslo_reports placement
  placement_database powervm privsep profiler rdp remote_debug serial_console service_user spice upgrade_levels
  vault vendordata_dynamic_auth vmware vnc workarounds wsgi xenserver xvp zvm nova_sys_admin vif_plug_ovs_privileged
  vif_plug_linux_bridge_privileged placement_client os_brick ssl mdev`),
);

const novaOptions: Readonly<Record<string, ReadonlySet<string>>> = {
  DEFAULT: new Set(
    words(`allow_resize_to_same_host arq_binding_timeout backdoor_port backdoor_socket bindir block_device_allocate_retries
    block_device_allocate_retries_interval cert cert_topic compute_monitors config_drive_format conn_pool_min_size
    conn_pool_ttl console_host console_topic control_exchange cpu_allocation_ratio daemon debug default_access_ip_network_name
    default_ephemeral_format default_green_pool_size default_log_levels default_schedule_zone dhcp_domain dhcpbridge
    disk_allocation_ratio enable_instance_password enable_network_quota enabled_apis enabled_ssl_apis executor_thread_pool_size
    fatal_deprecations fatal_exception_format_errors firewall_driver flat_injected force_config_drive force_dhcp_release
    force_raw_images graceful_shutdown_timeout glance_api_servers heal_instance_info_cache_interval image_cache_manager_interval
    injected_network_template instance_build_timeout instance_delete_interval instance_format instance_name_template
    instance_usage_audit instance_usage_audit_period instance_uuid_format internal_service_availability_zone iscsi_helper
    key key_pair_max ldap_dns_servers libvirt_vif_driver linuxnet_interface_driver live_migration_flag lock_path log-config-append log_config
    log_config_append log_date_format log_dir log_file log_format log_opts log_options log_rotate_interval
    log_rotate_interval_type log_rotation_type logdir logfile logging_context_format_string
    logging_debug_format_suffix logging_default_format_string logging_exception_prefix logging_user_identity_format
    long_rpc_timeout max_age max_concurrent_builds max_concurrent_live_migrations max_concurrent_snapshots
    max_local_block_devices max_logfile_count max_logfile_size_mb maximum_instance_delete_attempts metadata_host
    metadata_listen metadata_listen_port metadata_port metadata_workers migrate_max_retries mkisofs_cmd multi_instance_display_name_template
    my_block_storage_ip my_ip my_shared_fs_storage_ip network_allocate_retries network_api_class network_manager neutron_metadata_proxy_shared_secret
    non_inheritable_image_properties notification_driver notification_topics novncproxy_base_url
    ovs_vsctl_timeout osapi_compute_unique_server_name_scope osapi_compute_workers osapi_max_limit password_length
    periodic_enable periodic_fuzzy_delay pointer_model preallocate_images publish_errors pybasedir quota_driver
    ram_allocation_ratio rate_limit_burst rate_limit_except_level rate_limit_interval reboot_timeout
    reclaim_instance_interval record remove_unused_base_images rescue_timeout reserved_huge_pages
    resume_guests_state_on_host_boot root_helper rootwrap_config rpc_backend rpc_conn_pool_size rpc_ping_enabled rpc_response_timeout
    run_external_periodic_tasks running_deleted_instance_action running_deleted_instance_poll_interval
    running_deleted_instance_timeout scheduler_default_filters scheduler_driver scheduler_instance_sync_interval
    scheduler_max_attempts security_group_api servicegroup_driver shelved_offload_time shelved_poll_interval
    source_is_ipv6 spice_enabled ssl_only state_path sync_power_state_interval sync_power_state_pool_size
    syslog_log_facility tempdir timeout_nbd transport_url_list update_resources_interval use_cow_images use_eventlog
    use_forwarded_for use_ipv6 use_journal use_json use_neutron use_rootwrap_daemon use_stderr use_syslog
    syslog-log-facility use-syslog use-stderr log-dir log-file logging-context-format-string vcpu_pin_set vencrypt_client_cert
    verbose vif_plugging_is_fatal vif_plugging_timeout virt_mkfs vnc_enabled vnc_keymap vncserver_listen vncserver_proxyclient_address
    volume_api_class volume_usage_poll_interval watch_log_file web wsgi_default_pool_size wsgi_keep_alive wsgi_log_format
    wsgi_server_debug tcp_keepidle client_socket_timeout max_header_line pcscd public_interface cpu_dedicated_set`),
  ),
  database: new Set(
    words(`asyncio_connection asyncio_slave_connection backend connection_debug connection_parameters connection_recycle_time connection_trace
    db_inc_retry_interval db_max_retries db_max_retry_interval db_retry_interval idle_timeout max_overflow max_retries
    min_pool_size mysql_enable_ndb mysql_sql_mode mysql_wsrep_sync_wait pool_timeout retry_interval slave_connection
    sqlite_synchronous use_db_reconnect use_tpool`),
  ),
  api: new Set(
    words(`auth_strategy config_drive_skip_versions dhcp_domain enable_instance_password glance_link_prefix
    hide_server_address_states instance_list_cells_batch_fixed_size instance_list_cells_batch_strategy
    instance_list_per_project_cells list_records_by_skipping_down_cells local_metadata_per_cell
    metadata_cache_expiration neutron_default_tenant_id response_validation use_forwarded_for use_neutron_default_nets
    vendordata_dynamic_connect_timeout vendordata_dynamic_failure_fatal vendordata_dynamic_read_timeout
    vendordata_dynamic_ssl_certfile vendordata_dynamic_targets vendordata_jsonfile_path vendordata_providers`),
  ),
  compute: new Set(
    words(`consecutive_build_service_disable_threshold cpu_dedicated_set cpu_shared_set image_type_exclude_list
    live_migration_wait_for_vif_plug max_concurrent_disk_ops max_disk_devices_to_attach
    packing_host_numa_cells_allocation_strategy provider_config_location resource_provider_association_refresh
    sharing_providers_max_uuids_per_request shutdown_retry_interval vmdk_allowed_types`),
  ),
  scheduler: new Set(
    words(`discover_hosts_in_cells_interval driver enable_isolated_aggregate_filtering host_manager image_metadata_prefilter
    limit_tenants_to_placement_aggregate max_attempts periodic_task_interval placement_aggregate_required_for_tenants
    query_placement_for_availability_zone query_placement_for_image_type_support
    query_placement_for_routed_network_aggregates workers`),
  ),
  filter_scheduler: new Set(
    words(`pci_in_placement use_baremetal_filters baremetal_enabled_filters aggregate_resource_filters enabled_weighers
    disk_filter_multiplier`),
  ),
  metrics: new Set([]),
  pci: new Set(words('device_spec passthrough_whitelist report_in_placement')),
  quota: new Set(
    words(`count_usage_from_placement driver fixed_ips floating_ips max_age network_allocate recheck_quota
    reservation_expire security_group_rules security_groups until_refresh unified_limits_resource_list
    unified_limits_resource_strategy`),
  ),
  oslo_policy: new Set(
    words(`remote_content_type remote_ssl_ca_crt_file remote_ssl_client_crt_file remote_ssl_client_key_file
    remote_ssl_verify_server_crt remote_timeout`),
  ),
  image_cache: new Set(words(`precache_concurrency subdirectory_name`)),
  libvirt: new Set(
    words(`block_migration_flag checksum_base_images ceph_mount_options ceph_mount_point_base cpu_mode cpu_model
    cpu_model_extra_flags cpu_models cpu_power_governor_high cpu_power_governor_low cpu_power_management
    cpu_power_management_strategy device_detach_attempts device_detach_timeout disk_cachemodes disk_prefix
    enabled_perf_events file_backed_memory gid_maps glusterfs_mount_point_base hw_disk_discard hw_machine_type image_info_filename_pattern
    images_rbd_ceph_conf images_rbd_glance_copy_poll_interval images_rbd_glance_copy_timeout
    images_rbd_glance_store_name images_rbd_pool images_type images_volume_group inject_key inject_partition inject_password
    iscsi_iface iscsi_use_multipath iser_use_multipath live_migration_bandwidth live_migration_completion_timeout
    live_migration_downtime live_migration_downtime_delay live_migration_downtime_steps live_migration_flag live_migration_inbound_addr
    live_migration_parallel_connections live_migration_permit_auto_converge live_migration_permit_post_copy
    live_migration_progress_timeout live_migration_scheme live_migration_timeout_action live_migration_tunnelled
    live_migration_uri live_migration_with_native_tls max_queues mem_stats_period_seconds nfs_mount_options
    nfs_mount_point_base num_aoe_discover_tries num_iser_scan_tries num_memory_encrypted_guests num_nvme_discover_tries
    num_pcie_ports num_volume_scan_tries pmem_namespaces qemu_allowed_storage_drivers qemu_monitor_announce_self
    qemu_monitor_announce_self_count qemu_monitor_announce_self_interval quobyte_client_cfg quobyte_mount_point_base
    rbd_connect_timeout rbd_destroy_volume_retries rbd_destroy_volume_retry_interval rbd_secret_uuid rbd_user
    realtime_scheduler_priority remote_filesystem_transport remove_unused_base_images
    remove_unused_resized_minimum_age_seconds rescue_image_id rescue_kernel_id rescue_ramdisk_id rng_dev_path
    rx_queue_size smbfs_mount_options smbfs_mount_point_base snapshot_compression snapshot_image_format
    snapshots_directory sparse_logical_volumes swtpm_enabled swtpm_group swtpm_user sysinfo_serial
    tb_cache_size tx_queue_size uid_maps use_usb_tablet use_virtio_for_bridges vif_driver virt_type volume_clear volume_clear_size
    volume_drivers volume_enforce_multipath volume_use_multipath vzstorage_cache_path vzstorage_log_path vzstorage_mount_group
    vzstorage_mount_opts vzstorage_mount_perms vzstorage_mount_point_base vzstorage_mount_user wait_soft_reboot_seconds
    xen_hvmloader_path`),
  ),
};

/** Nova has this option and Drover does not. */
export function isKnownNovaOption(section: string, name: string): boolean {
  return novaOptions[section]?.has(name) ?? false;
}

/** The whole section is Nova's or of one of its libraries (also numbered ones such as `upgrade_levels`). */
export function isKnownNovaSection(section: string): boolean {
  return novaSections.has(section);
}

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
