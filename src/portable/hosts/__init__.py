"""What is known of hosts, with sources and dates; what is required of one; and whether it is met. Talks to no host."""
