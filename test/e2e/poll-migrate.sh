#!/bin/bash
# Moves one server the way operators' scripts do it, after the steps of the Nova user guide: show it, migrate it,
# ask for its status until VERIFY_RESIZE, confirm, show it again. It knows nothing of Drover; what it needs from a
# cloud is exactly what it says. It trusts the status alone and would wait for ever if that told a lie.
server=$1
openstack server show "$server"
openstack server migrate "$server"
until [ "$(openstack server show "$server" -f value -c status)" = VERIFY_RESIZE ]; do
  sleep 2
done
openstack server migrate confirm "$server"
openstack server show "$server"
