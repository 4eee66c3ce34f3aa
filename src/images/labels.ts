// Facts about blobs that are no part of what they hold, noted as labels of their rows.

/** At a manifest: the id of the image whose container was committed. */
export const PARENT_LABEL = "parent";
/** At a layer that was packed here: the bytes that it will take on disk, until it is unpacked. */
export const UNPACKED_SIZE_LABEL = "unpacked.size";
