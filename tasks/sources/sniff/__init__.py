"""What lies in a folder of somebody's text: kinds of files and fields of records, for a proposal of sources."""
