export function keepAlive() {}
