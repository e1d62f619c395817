"""What others read of ours, and we of theirs: public AWS Encryption SDKs for Python and JavaScript, and published vectors."""
