import { IconTrash } from "@tabler/icons-react";

export const icons = { "/trash": IconTrash };
