/* What the allowed program is linked to. */
int greeting(void) { return 7; }
