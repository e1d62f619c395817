"""What a plan and a status look like: JSON for programs, tables for a terminal, a page to hand on."""
