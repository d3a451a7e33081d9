"""Runs Nova's own filters and weighers on hosts from standard input; answers with the time and the order.

Started by nova-comparison.ts, with Debian's python3. No database, no message bus: only the code that judges hosts.
"""

import datetime
import json
import sys
import time

import nova.conf
from nova import objects
from nova.scheduler import filters
from nova.scheduler import host_manager
from nova.scheduler import weights

CONF = nova.conf.CONF
CONF([], project='nova', default_config_files=[])
objects.register_all()

given = json.load(sys.stdin)
aggregates = {}


def aggregate(described):
    key = described['id']
    if key not in aggregates:
        aggregates[key] = objects.Aggregate(
            id=key, name=described['name'], metadata=described['metadata'])
    return aggregates[key]


def host_state(described):
    state = host_manager.HostState(described['name'], described['name'], 'cell')
    state.total_usable_ram_mb = described['memory_mb']
    state.free_ram_mb = described['free_ram_mb']
    state.free_disk_mb = described['free_disk_mb']
    state.vcpus_total = described['vcpus']
    state.vcpus_used = described['vcpus_used']
    state.cpu_allocation_ratio = described['cpu_allocation_ratio']
    state.ram_allocation_ratio = 1.0
    state.disk_allocation_ratio = 1.0
    state.num_instances = len(described['instances'])
    state.num_io_ops = described['num_io_ops']
    state.failed_builds = described['failed_builds']
    state.hypervisor_type = described['hypervisor_type']
    state.hypervisor_version = described['hypervisor_version']
    state.cpu_info = described['cpu_info']
    state.supported_instances = described['supported_instances']
    state.stats = {}
    state.metrics = []
    state.aggregates = [aggregate(each) for each in described['aggregates']]
    state.instances = dict.fromkeys(described['instances'])
    seen = datetime.datetime.utcnow()
    if not described['up']:
        seen -= datetime.timedelta(days=1)
    state.service = {
        'host': described['name'], 'disabled': False, 'forced_down': False, 'binary': 'nova-compute',
        'topic': 'compute', 'last_seen_up': seen, 'updated_at': seen, 'created_at': seen,
    }
    return state


hosts = [host_state(each) for each in given['hosts']]
spec = objects.RequestSpec(
    flavor=objects.Flavor(extra_specs={}, vcpus=2, memory_mb=4096, root_gb=20, ephemeral_gb=0, swap=0, name='m2'),
    image=objects.ImageMeta(properties=objects.ImageMetaProps()),
    instance_group=None,
    instance_uuid='00000000-0000-4000-8000-000000000000',
    project_id='project-1',
    num_instances=1,
    scheduler_hints={},
    requested_destination=None,
    pci_requests=None,
)

filter_handler = filters.HostFilterHandler()
known = {
    cls.__name__: cls
    for cls in filter_handler.get_matching_classes(CONF.filter_scheduler.available_filters)}
enabled = [known[name]() for name in CONF.filter_scheduler.enabled_filters]
weight_handler = weights.HostWeightHandler()
weighers = [cls() for cls in weight_handler.get_matching_classes(CONF.filter_scheduler.weight_classes)]

milliseconds = []
for _ in range(given['rounds']):
    started = time.perf_counter()
    passed = filter_handler.get_filtered_objects(enabled, list(hosts), spec)
    weighed = weight_handler.get_weighed_objects(weighers, passed, spec)
    milliseconds.append((time.perf_counter() - started) * 1000)

json.dump({
    'milliseconds': milliseconds,
    'passed': len(passed),
    'ranked': [[each.obj.host, each.weight] for each in weighed[:10]],
}, sys.stdout)
