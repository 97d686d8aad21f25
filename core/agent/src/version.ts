/** The version of this agent, told to the server. */
export const VERSION = '0.1.0';
