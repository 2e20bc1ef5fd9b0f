# What an installation gets: units, users, directories, the broker's configuration.
