// Preloaded into others' clients that cannot be told a header: every request shows KETCH_TOKEN, as a configured client does.
import { subscribe } from 'node:diagnostics_channel'

const token = `Bearer ${process.env.KETCH_TOKEN}`
subscribe('undici:request:create', ({ request }) => request.addHeader('authorization', token))
subscribe('http.client.request.created', ({ request }) => request.setHeader('authorization', token))
