/** The tests get an address, as every page has one: Node's `Request` takes no path without an origin. */
Object.assign(globalThis, { location: new URL('http://localhost/') })
