/** Errors of the image area: code → HTTP status, message template, what to do next. Texts are Glance's. */
export const imageErrors = {
  image_unauthenticated: {
    http_status: 401,
    message:
      'This server could not verify that you are authorized to access the document you requested. Either you supplied the wrong credentials (e.g., bad password), or your browser does not understand how to supply the credentials required.',
    advice: 'Get a token (`openstack token issue`) and send it as X-Auth-Token; an old one may have expired.',
  },
  image_not_found: {
    http_status: 404,
    message: 'No image found with ID {id}',
    advice: 'Check the id; names work only as the filter `name` of the list.',
  },
  image_unknown_to_nova: {
    http_status: 404,
    message: 'Image not found.',
    advice: 'Check the id with `openstack image list`.',
  },
  image_forbidden: {
    http_status: 403,
    message: 'You are not authorized to complete {action} action.',
    advice: 'Only the owning project may change an image, and only an administrator may make it public.',
  },
  image_protected: {
    http_status: 403,
    message: 'Image {id} is protected and cannot be deleted.',
    advice: 'Unset the protection first: `openstack image set --unprotected`.',
  },
  image_attribute_fixed: {
    http_status: 403,
    message: "Attribute '{name}' is read-only.",
    advice: 'Leave the attribute out.',
  },
  image_attribute_kept: {
    http_status: 403,
    message: 'Property {name} may not be removed.',
    advice: 'Replace its value instead.',
  },
  image_attribute_settled: {
    http_status: 403,
    message: 'Attribute {name} can be only replaced for a queued image.',
    advice: 'Upload the data again as another image.',
  },
  image_property_missing: {
    http_status: 409,
    message: 'Property {name} does not exist.',
    advice: 'Use the operation `add`.',
  },
  image_exists: {
    http_status: 409,
    message: 'Image ID {id} already exists!',
    advice: 'Leave the id out, so that a new one is made.',
  },
  image_not_queued: {
    http_status: 409,
    message: 'Image status transition from {status} to saving is not allowed',
    advice: "An image's data is uploaded once; create another image.",
  },
  image_invalid: { http_status: 400, message: '{message}', advice: 'Correct the named part and repeat.' },
  image_not_in_progress: {
    http_status: 409,
    message: 'Image {image} is not being made any more: its status is {status}.',
    advice: 'Delete it with `openstack image delete` if nobody wants it.',
  },
  extraction_not_found: {
    http_status: 404,
    message: 'No image {image} that was made of a server exists.',
    advice: 'Images that were uploaded are shown by `drover image list`.',
  },
  image_unbootable: {
    http_status: 400,
    message: 'Image {image} is unacceptable: its disk format is {disk_format}.',
    advice:
      'Servers are made of raw and qcow2 images. Convert it with `qemu-img convert` and upload it anew.',
  },
  image_data_refused: {
    http_status: 400,
    message: 'Image {id} was refused: {reason}',
    advice: 'Check the file with `qemu-img info`, and `qemu-img convert` it where it refers to other files.',
  },
  image_too_large: {
    http_status: 413,
    message: 'Image exceeds the storage quota: it may have at most {bytes} bytes.',
    advice: 'Shrink the image, or raise [image] max_size_bytes.',
  },
  image_json_invalid: {
    http_status: 400,
    message: 'Malformed JSON in request body.',
    advice: 'Send JSON in UTF-8.',
  },
} as const;
