"""What stands between the network and a page: hosts, headers, logins, forms."""
