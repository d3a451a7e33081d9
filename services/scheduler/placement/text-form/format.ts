/*
 * The text form of a cluster: one line per thing, `kind name key=value …`, so that a reported problem becomes a file
 * that a person can read, cut down and keep.
 *
 *   drover-cluster 1 version=42
 *   aggregate 7 rack-1 availability_zone=az1 cpu_weight_multiplier=2
 *   host c1 up enabled zone=az1 aggregates=7 address=192.0.2.1 hypervisor=QEMU/8002001
 *   inventory c1 VCPU total=16 reserved=0 ratio=4 max=16 used=12
 *   instance c1 7c0d… project=4f2a… image.hw_architecture=x86_64
 *   facts c1 {"supported_instances": …}
 *
 * Lines may come in any order, except that the first is the head; `#` begins a comment; a word with spaces is quoted as in
 * JSON. `facts` holds what few clusters need (cpu_info, metrics, NUMA cells, PCI devices, named claims) as JSON.
 */

export const formatVersion = '1';
