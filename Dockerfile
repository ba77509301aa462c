FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json tsoa.json ./
COPY src ./src
# The sample of the page.
COPY model_creation/data/test.csv ./model_creation/data/
RUN npm run --silent build && find dist -name '*.map' -delete

# A stage of its own: its layer stays the same when only our code changes. ONNX Runtime brings binaries
# for every platform, fonts come in every style, and packages bring what only their developers need.
FROM node:20-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund \
 && cd node_modules \
 && find onnxruntime-node/bin -type f ! -path "*/linux/$(node -p process.arch)/*" -delete \
 && test -n "$(find onnxruntime-node/bin -name '*.node')" \
 && find dejavu-fonts-ttf/ttf -type f ! -name DejaVuSans.ttf -delete \
 && find . -type d \( -name test -o -name tests \) -prune -exec rm -r {} + \
 && find . -type f \( -name '*.map' -o -name '*.[cm]ts' -o -name '*.ts' -o -iname '*.md' ! -iname 'licen[cs]e*' \) -delete \
 && rm swagger-ui-dist/swagger-ui-es-* swagger-ui-dist/swagger-ui.js \
 && find . -type d -empty -delete

FROM node:20-bookworm-slim
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ae-ano-detection" \
      org.opencontainers.image.description="Finds anomalies in time series with an autoencoder." \
      org.opencontainers.image.source="https://github.com/csia-pme/csia-pme-ae-ano-detection" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json .env ./
COPY model/ecg ./model/ecg
COPY --from=build /app/dist ./dist
# The user "node", by number: so Kubernetes can tell that it is not root.
USER 1000:1000
EXPOSE 8282
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 8282) + '/health/ready').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# As npm start has it: buffers of the network are freed early.
CMD ["node", "--max-semi-space-size=2", "dist/server.js"]
