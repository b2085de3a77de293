"""Who you are: users, robots, groups, their credentials, and the tokens made from them."""
